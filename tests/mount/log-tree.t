#!/usr/bin/perl
# Goal: the log is there as a file a day for who may read it, says what log export says, grows, is logged itself, and is nothing at
# all for anybody else; whoever loses the right loses what he has open.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Fcntl qw(O_RDONLY);
use File::Copy ();
use Test::More;
use Trial;

Trial::needs('faketime', 'probe');
my $policy = Trial::small_policy() =~ s/^(my-access = .*)$/$1\nprocessing-log = verwerkingslog\nrefuse-programs = tracker-extract/mr;
my $trial = Trial->new(policy => $policy, csv => undef, programs => ['probe']);
my $mnt = $trial->{mnt};
my $log = "$mnt/verwerkingslog";
my $head = "number,erased,time,user,uid,what,subject,subject_number,purpose,ground,name,outcome,role,fields,rule,count,program,pid,policy,trace,span\r\n";

sub exported {
    my (@words) = @_;
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'export', '--format', 'csv', @words);
    is($status, 0, "log export @words") or diag($err);
    return $out;
}
sub stat_as {
    my ($uid, $path) = @_;
    return as_uid($uid, sub { my @stat = stat $path or return Trial::errno_of(); return "@stat[7, 9]" });
}
# What the log has of what was done with it: "what name outcome uid".
sub of_log { return map { "$_->{what} $_->{name} $_->{outcome} $_->{uid}" } grep { $_->{name} =~ /^verwerkingslog/ } $trial->log_entries }

# ---- days ------------------------------------------------------------------------------------------------------------------

# Entries of three days in two years, of which one has 2 o'clock twice; in between there is nothing.
$trial->at_time('2025-10-26 12:00:00');
$trial->import_csv(Trial::csv_of(Trial::rows()));
$trial->at_time('2025-12-31 23:59:58');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt");
$trial->stop;
$trial->at_time('2026-11-22 00:00:01');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, "$mnt/huur-innen/2020-00002/huur.txt");
slurp_as(STRANGER, "$mnt/huur-innen/2020-00002/huur.txt");
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/achternaam.txt");

is(names_as(FUNCTIONARIS, $mnt), '.trackerignore mijn-toegang.txt verwerkingslog', 'the root of who may');
is(names_as(FUNCTIONARIS, $log), '2025 2026', 'years');
is(names_as(FUNCTIONARIS, "$log/2025"), '10 12', 'months');
is(names_as(FUNCTIONARIS, "$log/2025/10"), '26.csv', 'days');
is(names_as(FUNCTIONARIS, "$log/2025/12"), '31.csv', 'by the zone of the policy');
is(names_as(FUNCTIONARIS, "$log/2026/11"), '22.csv', 'today');

for my $day (['2025/10/26', '2025-10-26'], ['2025/12/31', '2025-12-31']) {
    my $text = slurp_as(FUNCTIONARIS, "$log/$day->[0].csv");
    is($text, exported('--from', $day->[1], '--to', $day->[1]), "$day->[0] is what log export says");
    my ($size, $mtime) = split ' ', stat_as(FUNCTIONARIS, "$log/$day->[0].csv");
    is($size, length $text, 'and has its length');
}
like(slurp_as(FUNCTIONARIS, "$log/2025/12/31.csv"), qr/"2020-00001",[0-9a-f]{16},"huur-innen"/, 'a dossier goes by its code');

# ---- today -------------------------------------------------------------------------------------------------------------------

my $today = slurp_as(FUNCTIONARIS, "$log/2026/11/22.csv");
is(substr($today, 0, length $head), $head, 'today has a head');
my $export = exported('--from', '2026-11-22');
is(substr($export, 0, length $today), $today, 'then what log export says, as far as it was then');
my @line = split /\r\n/, $today;
like($line[-1], qr/"FUNCTIONARIS|,61004,query,"",,"","","verwerkingslog\/2026\/11\/22\.csv",shown,"functionaris"/, 'whose last line is that it was opened');
my @after = grep { !/log\.export|"verwerkingslog/ } split /\r\n/, substr $export, length $today;
is("@after", '', 'and nothing came since but looking');

my $officer = $trial->probe(FUNCTIONARIS);
is($officer->ask("open 1 $log/2026/11/22.csv"), '0', 'an open file');
my $first = $officer->ask('read 1');
slurp_as(INCASSO, "$mnt/huur-innen/2020-00003/achternaam.txt");
my $second = $officer->ask('read 1');
is(substr($second, 0, length $first), $first, 'goes on where it was');
like(substr($second, length $first), qr/field,"2020-00003"/, 'and has what came since');
my ($size) = split ' ', stat_as(FUNCTIONARIS, "$log/2026/11/22.csv");
is($size, length slurp_as(FUNCTIONARIS, "$log/2026/11/22.csv") =~ s/(?:.*\r\n)\z//r, 'a look tells the length of now') or diag $size;

my $before = () = grep { /^query / } of_log();
$officer->ask('read 1');
is(scalar(() = grep { /^query / } of_log()), $before, 'reading on within a minute is no entry of its own');
$trial->at_time('2026-11-22 00:02:30');
ok(length $officer->ask('read 1') > length $second, 'a minute later it grows still');
is(scalar(() = grep { /^query / } of_log()), $before + 1, 'and that it is read is an entry again');

# ---- programs ------------------------------------------------------------------------------------------------------------------

my ($status, $out, $err) = run({uid => FUNCTIONARIS}, 'wc', '-l', "$log/2025/12/31.csv");
is($out, scalar(() = slurp_as(FUNCTIONARIS, "$log/2025/12/31.csv") =~ /\n/g) . " $log/2025/12/31.csv\n", 'wc -l');
($status, $out, $err) = run({uid => FUNCTIONARIS}, 'tail', '-n', 1, "$log/2025/12/31.csv");
is($out, [split /(?<=\n)/, slurp_as(FUNCTIONARIS, "$log/2025/12/31.csv")]->[-1], 'tail -n 1');
my $copy = "$trial->{dir}/copy";
mkdir $copy or die;
chown FUNCTIONARIS, -1, $copy;
($status, $out, $err) = run({uid => FUNCTIONARIS}, 'cp', "$log/2025/12/31.csv", "$copy/a.csv");
is("$status $err", '0 ', 'cp');
is(Trial::read_file("$copy/a.csv"), slurp_as(FUNCTIONARIS, "$log/2025/12/31.csv"), 'copies all of it');

# tail -f, as people watch a log.
my $seen = "$trial->{dir}/seen";
my $tail = fork // die;
if ($tail == 0) {
    open STDOUT, '>', $seen;
    Trial::become(FUNCTIONARIS);
    exec 'tail', '-n', 1, '-f', '-s', '0.1', "$log/2026/11/22.csv";
}
until_true(10, sub { -s $seen });
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00002/achternaam.txt");
ok(until_true(10, sub { Trial::read_file($seen) =~ /"2020-00002",\w+,"communicatie","A","achternaam",shown/ }), 'tail -f shows an open as it happens') or diag(Trial::read_file($seen));
kill 'TERM', $tail;
waitpid $tail, 0;

File::Copy::copy('/bin/cat', "$trial->{dir}/bin/tracker-extract") or die;
chmod 0755, $trial->bin('tracker-extract');
($status, $out, $err) = run({uid => FUNCTIONARIS}, $trial->bin('tracker-extract'), "$log/2025/12/31.csv");
like("$status $out$err", qr/^1 .*Permission denied/, 'a program that the policy refuses is refused here too');

# ---- odd names ----------------------------------------------------------------------------------------------------------------

for my $name (qw(2024 2026/12 2026/10 2026/13 2026/00 2026/1 2026/011 2026/11/23.csv 2026/11/21.csv 2026/11/22 2026/11/22.CSV 2026/11/2.csv
        2026/11/31.csv 2025/02/30.csv 2026/11/00.csv 2026/11/.csv 2026/11/22.csv.csv 0000 02026 -2026 +2026 2O26 2026/11/22.txt 9999/12/31.csv),
    '2026/11/22.csv ', ' 2026', '2026/11/desktop.ini') {
    is(stat_as(FUNCTIONARIS, "$log/$name"), 'ENOENT', "no $name");
}
is(stat_as(FUNCTIONARIS, "$mnt/Verwerkingslog"), 'ENOENT', 'nor by another case');
is(stat_as(FUNCTIONARIS, "$mnt/processing-log"), 'ENOENT', 'nor by the name it would have');
is(stat_as(FUNCTIONARIS, "$log/2026/11/22.csv/x"), 'ENOTDIR', 'a file is no directory');
is(slurp_as(FUNCTIONARIS, "$mnt/huur-innen/2020-00001/huur.txt"), 'ENOENT', 'who reads the log reads no dossier by it');

# ---- others ----------------------------------------------------------------------------------------------------------------------

for my $uid (0, INCASSO, BEHEER, STRANGER) {
    unlike(names_as($uid, $mnt), qr/verwerkingslog/, "$uid: no log in the root");
    is(names_as($uid, $log), 'ENOENT', "$uid: it lists nothing");
    my @probed = map { my $path = $_; $trial->probe($uid)->ask("try $path") } "$log/2026", "$log/2026/11/22.csv", "$log/2024", "$log/2026/11/23.csv";
    is($probed[$_], $probed[0], "$uid: whatever is asked, there is nothing") for 1 .. $#probed;
    like($probed[0], qr/open=ENOENT/, "$uid: ENOENT");
}
my %times = map { $_ => as_uid($_, sub { my @stat = stat $log or return 'none'; return "@stat" }) } 0, INCASSO, FUNCTIONARIS, STRANGER;
is($times{$_}, $times{0}, 'the directory looks the same to everybody') for INCASSO, FUNCTIONARIS, STRANGER;

is_deeply([sort keys %{{map { $_ => 1 } grep { / 61001$/ } of_log()}}],
    ['query verwerkingslog refused 61001'], 'who may not is in the log as refused') or diag(join "\n", grep { / 61001$/ } of_log());
my @mine = grep { / 61004$/ } of_log();
for my $want ('listing verwerkingslog shown', 'listing verwerkingslog/2025 shown', 'listing verwerkingslog/2025/10 shown',
    'query verwerkingslog/2025/10/26.csv shown', 'look verwerkingslog/2026/11/22.csv shown') {
    ok(scalar(grep { $_ eq "$want 61004" } @mine), "logged: $want");
}

# ---- what is open ends with the right ----------------------------------------------------------------------------------------------

is($officer->ask("open 2 $log/2025/12/31.csv"), '0', 'two open files');
is($officer->ask("dir 3 $log/2025"), '0', 'and a directory');
is($officer->ask("open 5 $log/2025/12/31.csv") . $officer->ask('map 5 shared'), '0ENODEV', 'it has no shared mapping');
is($officer->ask('map 5 private'), '0', 'a private one');
my $was = $officer->ask('read 2');
is($officer->ask('peek 5'), $was, 'has what is read');
like($was, qr/"2020-00001"/, 'are read');
is(slurp_as(INCASSO, "$log/2025/12/31.csv"), 'ENOENT', 'by nobody else, whatever the kernel holds');
my @open = grep { (readlink // '') =~ m{^\Q$log\E/.*\.csv$} } glob "/proc/$officer->{pid}/fd/*";
cmp_ok(scalar @open, '>=', 3, 'root sees which files somebody has open,');
is(slurp_as(0, $_), 'ESTALE', 'and opens none of them') for @open;
Trial::write_file($trial->{policy}, $policy =~ s/^commands = log\.\*$/commands = log.did/mr);
ok(until_true(10, sub { names_as(FUNCTIONARIS, $log) eq 'ENOENT' }), 'a policy without the right comes in force');
is($officer->ask('read 1'), 'ESTALE', 'what is open of today is gone');
is($officer->ask('read 2'), 'ESTALE', 'and of another day');
ok(until_true(5, sub { $officer->ask('peek 5') eq 'SIGBUS' }), 'and a mapping');
is($officer->ask('list 3'), '. ..', 'a listing has no more names');
is($officer->ask("open 4 $log/2025/12/31.csv"), 'ENOENT', 'and nothing opens');
unlike(names_as(FUNCTIONARIS, $mnt), qr/verwerkingslog/, 'nor is it in the root');
Trial::write_file($trial->{policy}, $policy =~ s/^processing-log = .*$/processing-log = logboek/mr);
ok(until_true(10, sub { names_as(FUNCTIONARIS, "$mnt/logboek") eq '2025 2026' }), 'another policy gives the right and another name');
is($officer->ask("open 4 $mnt/logboek/2025/12/31.csv"), '0', 'it opens again');
is($officer->ask('read 4'), $was, 'and says the same');
is(names_as(FUNCTIONARIS, $log), 'ENOENT', 'by the new name alone');
Trial::write_file($trial->{policy}, $policy);
ok(until_true(10, sub { names_as(FUNCTIONARIS, $log) eq '2025 2026' }), 'back');

# ---- too many ----------------------------------------------------------------------------------------------------------------------

my @errors = as_uid(FUNCTIONARIS, sub {
    my @files;
    for my $n (1 .. 400) {
        sysopen my $file, "$log/2025/12/31.csv", O_RDONLY or return ($n, Trial::errno_of());
        push @files, $file;
    }
    return 'none';
});
is("@errors", '254 ENFILE', 'who opens too many is refused');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", 'nobody else is');
ok(until_true(5, sub { slurp_as(FUNCTIONARIS, "$log/2025/12/31.csv") =~ /^number/ }), 'and with them closed he reads again');

# ---- days go by ----------------------------------------------------------------------------------------------------------------------

$trial->at_time('2026-11-23 08:00:00');
ok(until_true(5, sub { names_as(FUNCTIONARIS, "$log/2026/11") eq '22.csv 23.csv' }), 'a day begins');
ok(slurp_as(FUNCTIONARIS, "$log/2026/11/22.csv") eq exported('--from', '2026-11-22', '--to', '2026-11-22'), 'and the one before is whole');
kill 'KILL', $trial->{daemon};
$trial->ended(15);
ok($trial->start, 'after a kill') or BAIL_OUT($trial->said);
ok(slurp_as(FUNCTIONARIS, "$log/2026/11/22.csv") eq exported('--from', '2026-11-22', '--to', '2026-11-22'), 'it is all there');

# ---- the log's own term --------------------------------------------------------------------------------------------------------------

is($officer->ask("open 6 $log/2025/12/31.csv"), '0', 'a file of a month that goes');
like($officer->ask('read 6'), qr/"2020-00001"/, 'is read');
Trial::write_file($trial->{policy}, "$policy\[log]\nretention = 6m\n");
ok(until_true(10, sub { $officer->ask('read 6') eq 'ESTALE' }), 'when it is past the term, what is open of it is gone');
ok(until_true(10, sub { names_as(FUNCTIONARIS, $log) eq '2026' }), 'and so are its years');
is(stat_as(FUNCTIONARIS, "$log/$_"), 'ENOENT', "no $_") for '2025', '2025/12/31.csv';
ok(slurp_as(FUNCTIONARIS, "$log/2026/11/22.csv") eq exported('--from', '2026-11-22', '--to', '2026-11-22'), 'the others stay');
is($trial->said !~ /sanitizer|corrupt|index/i, 1, 'and nothing is amiss');
$officer->end;
$trial->stop;
is($trial->verify, 5, 'the log verifies');
done_testing;
