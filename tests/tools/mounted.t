#!/usr/bin/perl
# Goal: while a store is mounted its daemon runs the command for whoever may give it, with that person's own files, and what a
# client does, dying included, leaves nothing half done.
use strict;
use warnings;
use lib 'tests/mount/lib';
use POSIX ();
use Test::More;
use Trial;

Trial::needs();
my $trial = Trial->new;
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my @place = ('--store', $trial->{store}, '--policy', $trial->{policy}, '--control', $trial->{control});
my $bin = $trial->bin('dossier');
my $mnt = $trial->{mnt};

# A directory in which a person may make files.
sub home_of {
    my ($uid) = @_;
    my $home = "$trial->{dir}/home-$uid";
    mkdir $home;
    chown $uid, $uid, $home;
    return $home;
}

sub dossiers { return names_as(INCASSO, "$mnt/huur-innen") }

# ---- who may ---------------------------------------------------------------------------------------------------------------

my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'show', '--json', '--limit', 3);
is($status, 0, 'the officer reads the log') or diag($err);
is(scalar(() = $out =~ /^\{/mg), 3, 'three entries');
for my $who ([INCASSO, 'collections'], [STRANGER, 'a stranger'], [BEHEER, 'the administrator'], [0, 'root']) {
    ($status, $out, $err) = run({uid => $who->[0]}, $bin, @place, 'log', 'show');
    is($status, 1, "$who->[1] does not");
    is($out, '', 'and gets nothing');
    like($err, qr/^dossier: ./, 'but a line that says so');
}
($status, $out, $err) = run({uid => FUNCTIONARIS, stdin => Trial::csv_of(Trial::rows())}, $bin, @place, 'import', '-');
is($status, 1, 'the officer does not import');
my ($refused) = grep { $_->{outcome} eq 'refused' && $_->{uid} == INCASSO && $_->{name} eq 'log.show' } $trial->log_entries;
ok($refused, 'refused commands are in the log');
my ($gap) = grep { $_->{outcome} eq 'gap' && $_->{uid} == STRANGER && $_->{name} eq 'log.show' } $trial->log_entries;
is($gap->{rule}, 'no-account', 'as a gap, where nobody knows who it was');

# ---- import ----------------------------------------------------------------------------------------------------------------

my $home = home_of(BEHEER);
my $csv = "code,achternaam,huur\n2021-00001,Goedman,100\n2021-00002,Kwaadman,veel\n";
write_file("$home/new.csv", $csv);
write_file("$home/layout.map", "Nummer = -\nNaam = achternaam\n");
chmod 0600, "$home/new.csv";
chown BEHEER, BEHEER, "$home/new.csv";
($status, $out, $err) = run({uid => BEHEER}, $bin, @place, 'import', "$home/new.csv");
is($status, 1, 'a file with a fault');
like($err, qr/^new\.csv:3: column huur: /, 'is told by its name and line') or diag("$out$err");
like($out, qr/nothing was imported: 1 fault in 2 rows/, 'and not imported');
unlike(dossiers(), qr/2021/, 'nothing of it is there');
($status, $out, $err) = run({uid => BEHEER}, $bin, @place, 'import', '--rejects', "$home/rejects.csv", "$home/new.csv");
is($status, 1, '--rejects') or diag($err);
like($out, qr/1 added.*1 rejected/, 'imports the good row');
like(dossiers(), qr/2021-00001/, 'which can be seen at once');
is((stat "$home/rejects.csv")[4], BEHEER, 'the rejects are the file of who asked');
like(read_file("$home/rejects.csv"), qr/^3,"huur",.*Kwaadman/m, 'and hold the row');
($status, $out, $err) = run({uid => BEHEER, stdin => "Nummer,Naam\n2021-00003,Mapman\n"}, $bin, @place, 'import', '--code', 'Nummer',
    '--map', "$home/layout.map", '--json', '-');
is($status, 0, 'a map and standard input') or diag($err);
like($out, qr/"added":1,/, 'JSON');
my $source = ($trial->log_entries('--what', 'import'))[-1];
ok($source, 'the import is in the log');
is($source->{uid}, BEHEER, 'with who did it') if $source;

my $many = 40_000;
my $big = "code,achternaam\n" . join '', map { sprintf "2030-%05d,Veelman\n", $_ } 1 .. $many;
($status, $out, $err) = run({uid => BEHEER, stdin => $big}, $bin, @place, 'import', '-');
is($status, 0, "$many rows") or diag($err);
like($out, qr/$many added/, 'are imported');

# ---- clients that die --------------------------------------------------------------------------------------------------------

# A client that feeds rows and is ended by a signal in between: all its rows are good, and none is published.
for my $signal (qw(KILL INT TERM)) {
    my $before = ($trial->log_entries('--what', 'command', '--user', BEHEER, '--limit', 1))[0]{number};
    pipe my $from, my $to or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        close $to;
        open STDIN, '<&', $from;
        open STDERR, '>', '/dev/null';
        open STDOUT, '>', '/dev/null';
        Trial::become(BEHEER);
        exec $bin, @place, 'import', '-' or POSIX::_exit(127);
    }
    close $from;
    syswrite $to, "code,achternaam\n" . join '', map { sprintf "2040-%05d,Halfman\n", $_ } 1 .. 8000; # more than a buffer
    ok(until_true(10, sub { ($trial->log_entries('--what', 'command', '--user', BEHEER, '--limit', 1))[0]{number} > $before }),
        "SIG$signal: the import began");
    kill $signal, $pid;
    waitpid $pid, 0;
    close $to;
    ok(until_true(10, sub {
        my ($s) = run({uid => BEHEER, stdin => "code,achternaam\n2020-00001,Noordstam\n"}, $bin, @place, 'import', '-');
        return $s == 0;
    }), "SIG$signal: another import may follow");
    unlike(dossiers(), qr/2040-/, "SIG$signal: half a file is not imported");
}

# A reader who leaves ends the command.
is(as_uid(FUNCTIONARIS, sub { system("'$bin' @place log show --csv 2>/dev/null | head -1 >/dev/null") }), 0, '| head');

# Two at a time, the third waits for its turn.
my @clients = map {
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        Trial::become(FUNCTIONARIS);
        open STDOUT, '>', '/dev/null';
        exec $bin, @place, 'log', 'show', '--csv', '--limit', 2000 or POSIX::_exit(127);
    }
    $pid;
} 1 .. 6;
my @failed = grep { waitpid($_, 0); $? } @clients;
is(scalar @failed, 0, 'six questions of one person at once are all answered');

# ---- other daemons, and none -------------------------------------------------------------------------------------------------

my $other = "$trial->{dir}/other";
is((run({}, $bin, '-s', $other, '-k', $trial->{key}, 'init', '--owner', OWNER))[0], 0, 'another store');
($status, $out, $err) = run({}, $bin, '-s', $other, '-p', $trial->{policy}, '--control', $trial->{control}, '-k', $trial->{key},
    'log', 'show', '--json');
is($status, 0, 'is not asked from the daemon of this one') or diag($err);
unlike($out, qr/"name":"import"/, 'its log is its own');
ok(!-e "$trial->{dir}/none.sock", 'no such socket');
($status, $out, $err) = run({}, $bin, '--control', "$trial->{dir}/none.sock", 'log', 'show');
is($status, 2, 'no daemon there');
like($err, qr/no daemon answers on/, 'is said');

# The daemon is killed under a command: more was taken from the pipe than it holds, so the command is under way.
pipe my $from, my $to or die "pipe: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    close $to;
    open STDIN, '<&', $from;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', "$trial->{dir}/client-said";
    Trial::become(BEHEER);
    exec $bin, @place, 'import', '-' or POSIX::_exit(127);
}
close $from;
{
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "the import takes nothing\n" };
    alarm 30;
    my $sent_bytes = 0;
    while ($sent_bytes < 100_000) {
        $sent_bytes += syswrite($to, "\0" x 10_000) // die "the import took $sent_bytes bytes: $!\n";
    }
    alarm 0;
}
kill 'KILL', $trial->{daemon};
waitpid $pid, 0;
is($? >> 8, 2, 'the daemon dies: exit 2');
like(read_file("$trial->{dir}/client-said"), qr/\Adossier: the daemon ended before the command did[^\n]*\n\z/, 'and one clear line');
$trial->ended(10);
($status, $out, $err) = $trial->dossier({}, 'log', 'show', '--json', '--limit', 1);
is($status, 0, 'afterwards the store opens again') or diag($err);
is($trial->verify, 5, 'and its log is in order');

done_testing();
