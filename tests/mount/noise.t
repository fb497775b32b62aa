#!/usr/bin/perl
# slow
# Goal: somebody who asks for what he may not see, as fast as he can, from many processes, fills neither the log nor anybody's way: every
# refusal is counted, the entries stay few, others get what they ask for, and what they got is in the log.
use strict;
use warnings;
use lib 'tests/mount/lib';
use POSIX ();
use Test::More;
use Trial;

Trial::needs('faketime', 'hostile');
my $trial = Trial->new(programs => ['hostile']);
my $mnt = $trial->{mnt};
$trial->at_time('2027-01-04 10:00:00'); # the clock stands still: one minute for all of it
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

# How many refusals the crowd got while the code ran, and what that answered.
sub crowd {
    my ($way, $clients, $uid, $meanwhile) = @_;
    pipe my $gate, my $hold or die $!;
    pipe my $from, my $to or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        close $_ for $hold, $from;
        Trial::become($uid);
        open STDIN, '<&', $gate;
        open STDOUT, '>&', $to;
        exec $trial->bin('hostile'), '--count', $clients, $way, "$mnt/huur-innen" or POSIX::_exit(99);
    }
    close $_ for $gate, $to;
    my $result = $meanwhile->();
    close $hold;
    my $count = do { local $/; <$from> };
    waitpid $pid, 0;
    is($?, 0, "$way: all that $clients processes of $uid got was a refusal");
    return ($count + 0, $result);
}

sub opens {
    my ($times) = @_;
    return as_uid(INCASSO, sub {
        my $read = 0;
        for my $i (1 .. $times) {
            open my $file, '<', "$mnt/huur-innen/2020-0000" . (1 + $i % 3) . '/huur.txt' or next;
            $read++ if defined readline $file;
        }
        return $read;
    });
}

my %refused;
for my $case (['same', 16, STRANGER], ['other', 16, OPZICHTER]) {
    my ($count, $read) = crowd(@$case, sub { opens(1000) });
    is($read, 1000, "$case->[0]: beside it, each of 1,000 opens got its content");
    cmp_ok($count, '>', 1000, "... and it was a noise: $count refusals");
    $refused{$case->[2]} = $count;
}
is($trial->stop, 0, 'ends with 0');
my (%told, %entries);
for my $entry ($trial->log_entries) {
    next unless $entry->{what} eq 'look' && $entry->{outcome} =~ /^(?:refused|gap)$/;
    $told{$entry->{uid}} += $entry->{count};
    $entries{$entry->{uid}}++;
}
for my $uid (sort keys %refused) {
    # Who asks is not known at his first question, which is asked again: no refusal is lost, and none is invented.
    cmp_ok($told{$uid}, '>=', $refused{$uid}, "$uid: each refusal is in the log");
    cmp_ok($told{$uid}, '<=', $refused{$uid} + 16, '... and no other');
    cmp_ok($entries{$uid}, '<=', 2 * 600 + 2, "... in $entries{$uid} entries");
}
my @shown = grep { $_->{uid} == INCASSO && $_->{what} eq 'field' } $trial->log_entries;
is(scalar(@shown), 2000, 'and what the other one read is there, open by open');
is($trial->verify, 5, 'the log is intact');
is($trial->said, '', 'the daemon had nothing to complain of');
done_testing;
