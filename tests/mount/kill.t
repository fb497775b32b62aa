#!/usr/bin/perl
# slow
# Goal: whatever is killed, and whenever: everything a client got has its entry, no stale mount stays, the next start works and
# finds the log in order, and of a half import nothing shows.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use Trial;

Trial::needs();
my $trial = Trial->new;
my $mnt = $trial->{mnt};

# Four people who open files until something fails, and write down each open before the next. {pid => opens}
sub readers {
    my ($meanwhile) = @_;
    my @readers;
    for my $uid (INCASSO, KLANTCONTACT, INCASSO, KLANTCONTACT) {
        pipe my $from, my $to or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            Trial::become($uid);
            my $end = time + 20;
            for (my $i = 0; time < $end; $i++) {
                open my $file, '<', "$mnt/communicatie/2020-0000" . (1 + $i % 3) . '/achternaam.txt' or last;
                syswrite $to, '.'; # open() was answered: that is what the entry has to precede
            }
            syswrite $to, '!' . errno_of();
            POSIX::_exit(0);
        }
        close $to;
        push @readers, [$pid, $from];
    }
    $meanwhile->();
    my %got;
    for my $reader (@readers) {
        my ($pid, $from) = @$reader;
        my $dots = do { local $/; <$from> };
        waitpid $pid, 0;
        $got{$pid} = ($dots =~ tr/.//);
    }
    return %got;
}

my %got;
sub entries_cover {
    my ($what, $most_more) = @_;
    my %entries;
    $entries{$_}++ for map { /"pid":(\d+)/ } $trial->log_lines('--what', 'field');
    my @lost = grep { ($entries{$_} // 0) < $got{$_} } keys %got;
    is(scalar(@lost), 0, "$what: every open that was answered has its entry")
        or diag(join ' ', map { "pid $_: $got{$_} opens, " . ($entries{$_} // 0) . ' entries' } @lost);
    my @more = grep { ($entries{$_} // 0) > $got{$_} + $most_more } keys %got;
    is(scalar(@more), 0, "$what: and there are no entries of nothing");
    return;
}

# ---- the daemon ------------------------------------------------------------------------------------------------------------

for my $round (1 .. 5) {
    $trial->forget_said;
    ok($trial->start, "round $round: starts") or diag($trial->said);
    my $took;
    my %now = readers(sub {
        sleep 0.2 + rand 0.4;
        kill 'KILL', $trial->{daemon};
        (undef, $took) = within(sub { until_true(10, sub { !$trial->mounted }) });
    });
    cmp_ok($took, '<', 2, sprintf 'the mount is gone after %.2f s', $took);
    is($trial->ended >> 8, 1, 'the keeper ends with 1');
    like($trial->said, qr/ended by signal 9/, 'and says why');
    is((stat $mnt)[3], 2, 'an ordinary empty directory is left') if -d $mnt;
    ok((grep { $_ > 20 } values %now) == 4, 'there was load: ' . join ' ', values %now);
    %got = (%got, %now);
}
$trial->forget_said;
ok($trial->start, 'starts after five kills');
entries_cover('kill -9 under load', 1);
unlike($trial->said, qr/damage|look into/, 'a tail that was never acknowledged is no damage');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", 'and serves');

# ---- an orderly end under load -------------------------------------------------------------------------------------------------

%got = readers(sub { sleep 0.4; is($trial->stop('TERM'), 0, 'SIGTERM under load: ends with 0') });
ok(!$trial->mounted, 'and is unmounted');
is($trial->verify, 5, 'the log is in order');
entries_cover('SIGTERM under load', 1);

ok($trial->start, 'starts');
%got = readers(sub { sleep 0.4; system 'umount', '-l', $mnt; is($trial->ended, 0, 'umount -l under load: ends with 0') });
entries_cover('umount -l under load', 1);

ok($trial->start, 'starts');
kill 'TERM', $trial->{daemon};
is($trial->ended, 0, 'SIGTERM to the daemon itself is an orderly end');
ok(!$trial->mounted, 'and is unmounted');
ok($trial->start, 'starts');
is($trial->stop('INT'), 0, 'so is SIGINT to the keeper');

# ---- the keeper ----------------------------------------------------------------------------------------------------------------

ok($trial->start, 'starts');
my $daemon = $trial->{daemon};
%got = readers(sub {
    sleep 0.3;
    $trial->stop('KILL');
    ok(until_true(10, sub { !kill 0, $daemon }), 'a daemon whose keeper was killed ends');
    kill 'KILL', $daemon;
});
$trial->forget_said;
ok($trial->start, 'the next start works') or diag($trial->said);
like($trial->said, qr/a mount was left/, 'and says that it took away a stale mount');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", 'and serves');
entries_cover('kill -9 of the keeper', 1);
is($trial->stop, 0, 'ends with 0');

# Both at once: the machine's way of running out of memory.
ok($trial->start, 'starts');
%got = readers(sub { sleep 0.3; kill 'KILL', @$trial{qw(keeper daemon)}; $trial->ended });
$trial->forget_said;
ok($trial->start, 'starts after both were killed') or diag($trial->said);
entries_cover('kill -9 of both', 1);
is($trial->stop, 0, 'ends with 0');

# ---- imports ------------------------------------------------------------------------------------------------------------------------

my $many = join '', "code,achternaam,huur,einddatum\n", map { sprintf "2021-%05d,Verhulst,1.00,\n", $_ } 1 .. 30000;
# Starts the command and kills whom it is told to when the import is on its way.
sub import_killed {
    my ($whom) = @_;
    Trial::write_file("$trial->{dir}/many.csv", $many);
    my @command = ($trial->bin('dossier'), '-s', $trial->{store}, '-p', $trial->{policy}, '--control', $trial->{control},
        ($trial->mounted ? () : ('--key-file', $trial->{key})), 'import', "$trial->{dir}/many.csv");
    my $size = -s "$trial->{store}/keyring";
    my $pid = fork // die;
    if ($pid == 0) {
        Trial::become($trial->mounted ? BEHEER : 0);
        open STDERR, '>', '/dev/null';
        open STDOUT, '>', '/dev/null';
        exec @command or POSIX::_exit(127);
    }
    my $running = until_true(20, sub { -s "$trial->{store}/keyring" > $size + 100_000 || waitpid($pid, POSIX::WNOHANG()) });
    sleep 0.05;
    kill 'KILL', $whom eq 'command' ? $pid : $trial->{$whom};
    waitpid $pid, 0;
    return $running && $?;
}
sub nothing_of_it {
    my ($what) = @_;
    is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003', "$what: nothing of it shows");
    is(slurp_as(INCASSO, "$mnt/huur-innen/2021-00001/huur.txt"), 'ENOENT', "$what: nor can it be opened");
    return;
}
ok(import_killed('command'), 'an import without the daemon is killed');
$trial->forget_said;
ok($trial->start, 'starts');
like($trial->said, qr/unpublished/, 'and says that it found half an import');
nothing_of_it('killed without the daemon');

ok(import_killed('command'), 'an import through the daemon: its command is killed');
nothing_of_it('its command killed');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", 'the daemon goes on');

ok(import_killed('daemon'), 'an import through the daemon: the daemon is killed');
is($trial->ended >> 8, 1, 'the keeper ends with 1');
$trial->forget_said;
ok($trial->start, 'starts');
like($trial->said, qr/unpublished/, 'and says that it found half an import');
nothing_of_it('the daemon killed');
my ($status, $out, $err) = $trial->dossier({uid => BEHEER, stdin => $many}, 'import', '-');
is("$status $err", '0 ', 'the same import, again, and whole');
is(slurp_as(INCASSO, "$mnt/huur-innen/2021-30000/huur.txt"), "1.00\n", 'shows');
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'the log is in order');
my @numbers = map { /"number":(\d+)/ } $trial->log_lines;
is("$numbers[0] $numbers[-1]", '1 ' . @numbers, 'and no number is missing');
done_testing;
