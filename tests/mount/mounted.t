#!/usr/bin/perl
# Goal: commands work while the daemon runs, for who may give them; what an import brings is there when the command returns;
# a changed value is a new file, and who holds the old one keeps it.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe');
my $trial = Trial->new(programs => ['probe']);
my $mnt = $trial->{mnt};
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $header = Trial::rows()->[0];
my @fourth = ('2022-00004', 'Vierdestad', '+31611111111', '1950-05-05', 'NL42TEST1234567890', '400.00', '');
sub import_as { my ($uid, $csv, @more) = @_; return $trial->dossier({uid => $uid, stdin => $csv}, 'import', @more) }

# ---- who may ---------------------------------------------------------------------------------------------------------

my $one = Trial::csv_of([$header, \@fourth]);
for my $uid (INCASSO, FUNCTIONARIS, STRANGER) {
    my ($status, $out, $err) = import_as($uid, $one, '-');
    is("$status $out", '1 ', "$uid may not import");
    like($err, qr/^dossier: .*import/, 'and is told which right');
}
my ($status, $out, $err) = run({stdin => $one}, $trial->bin('dossier'), '-p', $trial->{policy}, '--control', $trial->{control},
    'import', '-');
is("$status $out", '1 ', 'nor may root without a role');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003', 'nothing came of it');
is(scalar(grep { $_->{what} eq 'command' && $_->{outcome} =~ /^(?:refused|gap)$/ } $trial->log_entries), 4, 'each is in the log');
($status) = run({}, $trial->bin('dossier'), '-s', $trial->{store}, '-p', $trial->{policy}, '--control', "$trial->{dir}/none.sock",
    '--key-file', $trial->{key}, 'log', 'show');
is($status, 2, 'past the daemon there is no way, not even with the key');

# ---- new dossiers --------------------------------------------------------------------------------------------------------

is(slurp_as(INCASSO, "$mnt/huur-innen/2022-00004/huur.txt"), 'ENOENT', 'not there yet');
($status, $out, $err) = import_as(BEHEER, $one, '-');
is("$status $err", '0 ', 'the administrator may');
like($out, qr/1 added/, 'and is told what was done');
is(slurp_as(INCASSO, "$mnt/huur-innen/2022-00004/huur.txt"), "400.00\n", 'there when the command returns');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003 2022-00004', 'and in the listing');
is(slurp_as(OPZICHTER, "$mnt/onderhoud/2022-00004/telefoon.txt"), "+31611111111\n", 'for everyone who may see it');
is(names_as(BEHEER, "$mnt/huur-innen"), 'ENOENT', 'who imported it reads none of it');
my ($change) = grep { $_->{what} eq 'change' && $_->{subject} eq '2022-00004' } $trial->log_entries;
is($change && $change->{uid}, BEHEER, 'the change is logged under who gave the command');

# A file of one's own, which the daemon couldn't open.
my $private = "$trial->{dir}/private.csv";
Trial::write_file($private, Trial::csv_of([$header, ['2022-00005', 'Vijfdeweg', '', '', '', '1.00', '']]));
chown BEHEER, BEHEER, $private;
chmod 0600, $private;
($status, $out, $err) = $trial->dossier({uid => BEHEER}, 'import', $private);
is("$status $err", '0 ', 'a file that only the caller can read');
is(slurp_as(INCASSO, "$mnt/huur-innen/2022-00005/achternaam.txt"), "Vijfdeweg\n", 'is read by the caller');
($status, $out, $err) = $trial->dossier({uid => BEHEER}, 'import', $trial->{key});
is($status, 2, 'a file that the caller can not read is not read by the daemon for him');

# ---- faults ------------------------------------------------------------------------------------------------------------------

my $bad = Trial::csv_of([$header, ['2022-00006', 'Zes', '', '', '', '1.00', ''], ['2022-00007', 'Zeven', '', 'gisteren', '', '', '']]);
($status, $out, $err) = import_as(BEHEER, $bad, '-');
is($status, 1, 'a fault in a row: exit 1');
like($err, qr/:3: column geboortedatum: /, 'line and column');
unlike($err, qr/gisteren|Zeven/, 'and not the value');
is(slurp_as(INCASSO, "$mnt/huur-innen/2022-00006/huur.txt"), 'ENOENT', 'all or nothing');
my $rejects = "$trial->{dir}/in/rejects.csv";
mkdir "$trial->{dir}/in";
chown BEHEER, BEHEER, "$trial->{dir}/in";
($status, $out, $err) = import_as(BEHEER, $bad, '--rejects', $rejects, '-');
is($status, 1, 'with --rejects: exit 1, since there is one');
is(slurp_as(INCASSO, "$mnt/huur-innen/2022-00006/huur.txt"), "1.00\n", 'the good one is in');
like(Trial::read_file($rejects), qr/^3,"?geboortedatum"?,.*2022-00007/m, 'the bad one is in the file');
is((stat $rejects)[4], BEHEER, 'which belongs to the caller');

# ---- a changed value -----------------------------------------------------------------------------------------------------------

my $file = "$mnt/huur-innen/2022-00004/huur.txt";
my $probe = $trial->probe(INCASSO);
is($probe->ask("open 0 $file") . $probe->ask("open 1 $file") . $probe->ask('map 1 shared') . $probe->ask("open 2 $file"), '0000',
    'open before the change');
is($probe->ask('read 0') . $probe->ask('peek 1'), "400.00\n400.00\n", 'and read');
my $before = $probe->asked("attr $file");
my $changed = Trial::csv_of([$header, [@fourth[0 .. 4], '12345.67', '']]);
($status, $out, $err) = import_as(BEHEER, $changed, '-');
is($status, 1, 'other values without --update are refused');
is(slurp_as(INCASSO, $file), "400.00\n", 'and change nothing');
($status, $out, $err) = import_as(BEHEER, $changed, '--update', '-');
is("$status $err", '0 ', 'with --update they are taken');
like($out, qr/1 changed/, 'as a change');
is(slurp_as(INCASSO, $file), "12345.67\n", 'who opens now reads the new value');
is($probe->asked("attr $file")->{size}, 9, 'stat has the new size');
is($probe->asked("attr $file")->{ino}, $before->{ino}, 'and the same st_ino');
is($probe->ask("read $_"), "400.00\n", "handle $_ keeps what it was opened on") for 0, 1, 2;
is($probe->ask('peek 1'), "400.00\n", 'and a mapping');
is($probe->asked('fstat 0')->{size}, 7, 'and its size');
is($probe->ask("open 3 $file") . $probe->ask('read 3') . $probe->asked('fstat 3')->{size}, "012345.67\n9", 'a new handle has the new');
is($probe->ask('read 0') . $probe->ask('read 3'), "400.00\n12345.67\n", 'side by side');
like(slurp_as(INCASSO, "$mnt/huur-innen/2022-00004/dossier.txt"), qr/12345\.67/, 'the whole dossier has it too');
($status, $out) = import_as(BEHEER, $changed, '--update', '-');
like($out, qr/1 unchanged/, 'the same again is no change');

# What a row leaves open stays.
($status, $out, $err) = import_as(BEHEER, Trial::csv_of([$header, [@fourth[0, 1], '', @fourth[3, 4], '12345.67', '']]), '--update', '-');
like("$status $out", qr/^0 .*1 unchanged/, 'an empty value says nothing about its field');
is(slurp_as(OPZICHTER, "$mnt/onderhoud/2022-00004/telefoon.txt"), "+31611111111\n", 'which keeps its value');

# ---- many at once ------------------------------------------------------------------------------------------------------------------

# One at a time: the others are told so, and nothing of theirs is done.
my @running;
for my $n (1 .. 4) {
    my $pid = fork // die;
    if ($pid == 0) {
        my $csv = Trial::csv_of([$header, map { [sprintf('203%d-%05d', $n, $_), 'Velen', '', '', '', '1.00', ''] } 1 .. 50]);
        my ($s, $o, $e);
        until_true(20, sub { ($s, $o, $e) = import_as(BEHEER, $csv, '-'); $s == 0 || $e ne "dossier: another import is running\n" });
        POSIX::_exit($s);
    }
    push @running, $pid;
}
my @statuses = map { waitpid $_, 0; $? >> 8 } @running;
is("@statuses", '0 0 0 0', 'four imports at once, each tried until it is its turn');
is(scalar(split / /, names_as(INCASSO, "$mnt/huur-innen")), 206, 'all of them are there');

# ---- one who does not go on ---------------------------------------------------------------------------------------------------------

pipe my $its_in, my $to or die;
my $stalled = fork // die;
if ($stalled == 0) {
    open STDIN, '<&', $its_in;
    close $to;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    eval { Trial::become(BEHEER) };
    exec $trial->bin('dossier'), '-p', $trial->{policy}, '--control', $trial->{control}, 'import', '-' or POSIX::_exit(127);
}
close $its_in;
syswrite $to, join('', map { "$_\n" } 'code,achternaam', map { sprintf '2040-%05d,Half', $_ } 1 .. 500);
until_true(5, sub { grep { $_->{name} eq 'import' } $trial->log_entries('--what', 'command', '--from', '-1m') });
my (undef, $took) = within(sub { slurp_as(INCASSO, $file) for 1 .. 20 });
cmp_ok($took, '<', 2, 'an import that waits for its file keeps nobody else waiting');
$probe->end;
my $ended;
($ended, $took) = within(sub { $trial->stop });
is($ended, 0, 'nor the end: it ends with 0');
cmp_ok($took, '<', 8, 'soon');
close $to;
waitpid $stalled, 0;
isnt($? >> 8, 0, 'and the command fails');
is($trial->said, '', 'the daemon had nothing to complain of');
ok($trial->start, 'starts again');
is(slurp_as(INCASSO, $file), "12345.67\n", 'with the last value');
is(scalar(split / /, names_as(INCASSO, "$mnt/huur-innen")), 206, 'and all dossiers');
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'the log is in order');
done_testing;
