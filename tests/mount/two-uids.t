#!/usr/bin/perl
# slow
# Goal: two people who read the same path at the same time, in every way there is, see each their own, never the other's
# content or size, and no error where they have the right; also while the values change, which show old or new and never half.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use Trial;

Trial::needs('hammer');
my $rows = Trial::rows();
# Values in two categories change together, and sizes with them.
my @old = ('2020-00001', 'Noordstam', '+31612345678', '1970-03-04', 'NL54TEST3514607673', '612.50', '');
my @new = ('2020-00001', 'Zuiderkerkstra', '+31687654321', '1999-12-31', 'NL65TEST3631929654', '7733.10', '');
my $trial = Trial->new(programs => ['hammer'], csv => Trial::csv_of([$rows->[0], \@old]));
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

sub contents {
    my ($uid, $row) = @_;
    my (undef, $name, $telephone, $birth, $account) = @$row;
    if ($uid == KLANTCONTACT) {
        $birth =~ s/-\d\d-\d\d/-**-**/;
        $account =~ s/.(?=.{4})/*/g;
    }
    return {
        'achternaam.txt' => "$name\n",
        'telefoon.txt' => "$telephone\n",
        'geboortedatum.txt' => "$birth\n",
        'rekeningnummer.txt' => "$account\n",
        'dossier.txt' => "2020-00001\n\nAchternaam:     $name\nTelefoon:       $telephone\nGeboortedatum:  $birth\n"
            . "Rekeningnummer: $account\n",
    };
}

# Two processes of two threads for each of the two, all at once; meanwhile, `meanwhile` runs. What they complain of.
sub hammer {
    my ($seconds, $rows, $meanwhile) = @_;
    my (%count, @faults, @running);
    for my $uid (INCASSO, KLANTCONTACT, INCASSO, KLANTCONTACT) {
        my $allowed = '';
        for my $row (@$rows) {
            my $contents = contents($uid, $row);
            $allowed .= "$_ " . unpack('H*', $contents->{$_}) . "\n" for sort keys %$contents;
        }
        pipe my $from, my $to or die;
        my $pid = fork // die;
        if ($pid == 0) {
            my ($status, $out, $err) = run({uid => $uid, stdin => "$allowed.\n"}, $trial->bin('hammer'), $seconds, 2,
                $trial->at('communicatie', '2020-00001'));
            print $to "$uid $_\n" for split /\n/, $out . $err;
            print $to "$uid status $status\n";
            close $to;
            POSIX::_exit(0);
        }
        close $to;
        push @running, [$pid, $from];
    }
    $meanwhile->() if $meanwhile;
    for my $running (@running) {
        my $from = $running->[1];
        while (my $line = <$from>) {
            chomp $line;
            if ($line =~ /FAULT|status [^0]/) {
                push @faults, $line;
            } elsif ($line =~ /^(\d+) (\S+) (\d+)$/) {
                $count{"$1 $2"} += $3;
            }
        }
        waitpid $running->[0], 0;
    }
    return (\@faults, \%count);
}

my ($faults, $count) = hammer(10, [\@old]);
is(join("\n", @$faults), '', 'ten seconds of two people at one path: each sees their own, and no error');
for my $way (qw(read pread stat fstat statx statx-sync shared private listing access)) {
    ok($count->{"$_ $way"} > 50, "$_ did it by $way often enough: " . $count->{"$_ $way"}) for INCASSO, KLANTCONTACT;
}

# Each update is one import: whoever reads sees all of the old or all of the new. What was opened before keeps what it was.
my $updates = 0;
my $header = $rows->[0];
($faults, $count) = hammer(8, [\@old, \@new], sub {
    my $end = time + 7.5;
    while (time < $end) {
        $trial->import_csv(Trial::csv_of([$header, $updates % 2 ? \@old : \@new]), '--update');
        $updates++;
        sleep 0.1;
    }
});
is(join("\n", @$faults), '', 'the same while the values change: old or new, whole, and no error');
cmp_ok($updates, '>', 5, "$updates updates meanwhile");
is(slurp_as(INCASSO, $trial->at('communicatie', '2020-00001', 'achternaam.txt')), ($updates % 2 ? $new[1] : $old[1]) . "\n",
    'at last, the last');
# The same, while eight others load the mount with all that they may read.
my @load;
my @files = map { $trial->at('huur-innen', '2020-00001', $_) } 'huur.txt', 'achternaam.txt', 'dossier.txt';
my $before = () = $trial->log_lines;
($faults, $count) = hammer(6, [\@old, \@new], sub {
    for (1 .. 8) {
        my $pid = fork // die;
        if ($pid) {
            push @load, $pid;
            next;
        }
        open STDERR, '>>', "$trial->{dir}/load";
        exec 'timeout', 5, 'setpriv', '--reuid', INCASSO, '--regid', INCASSO, '--clear-groups', 'sh', '-c',
            'while :; do cat "$@" >/dev/null; done', 'sh', @files or POSIX::_exit(99);
    }
});
is(join("\n", @$faults), '', 'the same under the load of eight clients');
is(join(' ', map { waitpid $_, 0; $? >> 8 } @load), join(' ', (124) x 8), 'who ran until their time was over');
is(Trial::read_file("$trial->{dir}/load"), '', 'and read without an error');
cmp_ok((() = $trial->log_lines) - $before, '>', 1000, 'and whose opens are in the log');
is($trial->stop, 0, 'ends with 0');
is($trial->said, '', 'and had nothing to complain of');
is($trial->verify, 5, 'the log is in order');
done_testing;
