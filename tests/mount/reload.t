#!/usr/bin/perl
# Goal: a changed policy is in force within a second, whole, for who looks, who lists, and who has something open or mapped; what
# still shows goes on; a faulty one changes nothing and is told; nothing that happens around it leaves half of a policy.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);
use Trial;

Trial::needs('probe');
my $first = Trial::small_policy();
$first =~ s/^commands = import$/commands = import, status, policy.*/m or die;
my $was = $first;
my $rows = Trial::rows();
my $trial = Trial->new(programs => ['probe'], policy => $first,
    csv => Trial::csv_of([@$rows, ['2020-00004', 'Uitgaand', '', '', '', '400.00', '2025-12-31']]));
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};

sub changed {
    my ($text, @pairs) = @_;
    while (my ($from, $to) = splice @pairs, 0, 2) {
        $text =~ s/\Q$from\E/$to/ or die "no \"$from\" in the policy";
    }
    return $text;
}
sub version_of { return substr sha256_hex($_[0]), 0, 16 }
sub install {
    my ($text) = @_;
    Trial::write_file("$trial->{policy}.new", $text);
    rename "$trial->{policy}.new", $trial->{policy} or die "rename: $!";
    return time;
}
sub status {
    my ($status, $out, $err) = $trial->dossier({uid => BEHEER}, 'status', '--json');
    die "status: $status $out$err" unless $out =~ /^\{/;
    return {%{decode_json($out)}, exit => $status};
}
sub in_force { my ($text) = @_; return until_true(5, sub { status()->{version} eq version_of($text) }) }

# ---- two people read while it is edited --------------------------------------------------------------------------------------

my $incasso = $trial->probe(INCASSO);
my $klant = $trial->probe(KLANTCONTACT);
my $innen = "$mnt/huur-innen/2020-00001";
my $communicatie = "$mnt/communicatie/2020-00001";
is($incasso->ask("open 0 $innen/rekeningnummer.txt") . $incasso->ask('read 0'), "0NL54TEST3514607673\n", 'incasso reads an account');
is(join('', map { $incasso->ask($_) } "open 1 $innen/rekeningnummer.txt", 'map 1 shared', "open 2 $innen/rekeningnummer.txt",
    'map 2 private'), '0000', 'and maps it');
is($incasso->ask("peek $_"), "NL54TEST3514607673\n", "mapping $_") for 1, 2;
is(join('', map { $incasso->ask($_) } "open 3 $innen/achternaam.txt", 'map 3 shared'), '00', 'and a name');
is($incasso->ask('peek 3'), "Noordstam\n", 'which stays');
is($incasso->ask("open 4 $innen/dossier.txt"), '0', 'and the whole dossier');
is($incasso->ask("dir 5 $mnt/huur-innen") . $incasso->ask("dir 6 $innen") . $incasso->ask("dir 7 $mnt"), '000', 'and directories');
my ($inode) = $incasso->ask("attr $innen/achternaam.txt") =~ /ino=(\d+)/;
is($klant->ask("open 0 $communicatie/geboortedatum.txt") . $klant->ask('read 0'), "01970-**-**\n", 'klantcontact reads a year');
is($klant->ask("open 1 $communicatie/achternaam.txt") . $klant->ask('map 1 shared'), '00', 'and a name');
is($klant->ask("open 2 $communicatie/rekeningnummer.txt"), '0', 'and four digits');

# Incasso loses accounts for collecting; klantcontact sees whole dates of birth, and less of accounts. Everything has another place
# in the file.
my $second = changed($first,
    "fields = naam, geboorte, betaling, contract\n" => "fields = naam, geboorte, contract\n",
    'mask     = geboortedatum:year, rekeningnummer:last4' => 'mask     = rekeningnummer:last2',
    "[field achternaam]\n" => "[field voornaam]\ncategory = naam\ntype     = text\n[field achternaam]\n",
    "[purpose huur-innen]\n" => "[purpose aanmaning]\nground = A\nkinds  = huurder\nfields = naam\n[purpose huur-innen]\n",
    "purposes = huur-innen, communicatie\n" => "purposes = aanmaning, huur-innen, communicatie\n");
my $began = install($second);
ok(until_true(5, sub { slurp_as(INCASSO, "$innen/rekeningnummer.txt") eq 'ENOENT' }), 'another policy is in force');
cmp_ok(time - $began, '<', 1, sprintf 'within a second: %.2f s', time - $began);
ok(in_force($second), 'status says so');
is(names_as(INCASSO, $innen), 'achternaam.txt dossier.txt geboortedatum.txt huur.txt', 'not in the listing either');
is($incasso->ask("read $_"), 'ESTALE', "an open handle of what was taken away: $_") for 0, 1, 4;
is($incasso->ask("fstat $_"), 'ESTALE', "fstat of it: $_") for 0, 1, 4;
ok(until_true(3, sub { $incasso->ask('peek 1') eq 'SIGBUS' }), 'a shared mapping');
ok(until_true(3, sub { $incasso->ask('peek 2') eq 'SIGBUS' }), 'a private mapping');
is($incasso->ask('read 3') . $incasso->ask('peek 3'), "Noordstam\nNoordstam\n", 'what still shows goes on, read and mapped');
is($incasso->ask('list 5'), '. .. 2020-00001 2020-00002 2020-00003 2020-00004', 'a directory that was open');
is($incasso->ask('list 6'), '. .. dossier.txt achternaam.txt geboortedatum.txt huur.txt', 'an open one without what went');
is($incasso->ask('list 7'), '. .. mijn-toegang.txt .trackerignore huur-innen communicatie', 'an open root has what it had');
is(names_as(INCASSO, $mnt), '.trackerignore aanmaning communicatie huur-innen mijn-toegang.txt', 'and a new one the new purpose');
is(slurp_as(INCASSO, "$mnt/aanmaning/2020-00001/achternaam.txt"), "Noordstam\n", 'which serves');
is(slurp_as(INCASSO, "$mnt/aanmaning/2020-00001/huur.txt"), 'ENOENT', 'what it lists');
like($incasso->ask("attr $innen/achternaam.txt"), qr/ino=$inode\b/, 'the inode number is the same') if defined $inode;
is(slurp_as(KLANTCONTACT, "$communicatie/geboortedatum.txt"), "1970-03-04\n", 'klantcontact sees the whole date now');
is($klant->ask('read 0'), "1970-**-**\n", 'and in the open handle what it was opened on');
is($klant->ask('read 1') . $klant->ask('peek 1'), "Noordstam\nNoordstam\n", 'and the name');
is($klant->ask('read 2'), 'ESTALE', 'four digits, where two may be seen, are gone');
is(slurp_as(KLANTCONTACT, "$communicatie/rekeningnummer.txt"), '*' x 16 . "73\n", 'and two are seen');
my @reloaded = grep { $_->{what} eq 'policy' && $_->{policy} eq version_of($second) } $trial->log_entries;
is(scalar(@reloaded), 1, 'the log has it once');
is("$reloaded[0]{uid} $reloaded[0]{rule}", '0 owner of the file', 'and whose file it was');
my ($entry) = grep { $_->{what} eq 'field' && ($_->{purpose} // '') eq 'aanmaning' } $trial->log_entries;
is($entry->{policy}, version_of($second), 'each entry names its policy');
$trial->import_csv("code,voornaam,achternaam\n2020-00005,Jan,Nieuwkomer\n");
is(slurp_as(INCASSO, "$mnt/aanmaning/2020-00005/voornaam.txt"), "Jan\n", 'a field that is new takes values');

my @versions = map { decode_json($_) } split /\n/, ($trial->dossier({uid => BEHEER}, 'policy', 'versions', '--json'))[1];
is(join(' ', map { "$_->{number}:$_->{version}" } @versions), join(' ', '1:' . version_of($was), '2:' . version_of($second)),
    'both are kept');
is(join(' ', map { $_->{in_force} ? 1 : 0 } @versions), '0 1', 'and it is known which is in force');
is(($trial->dossier({uid => BEHEER}, 'policy', 'versions', '--show', 2))[1], $second, 'with their text');
is(($trial->dossier({uid => BEHEER}, 'policy', 'versions', '--show', 1))[1], $was, 'byte for byte');
like(($trial->dossier({uid => BEHEER}, 'policy', 'versions'))[1], qr/^ *2 .* in force$/m, 'and as a table');
is(($trial->dossier({uid => BEHEER}, 'policy', 'versions', '--show', 3))[0], 2, 'a number that is none');
is(($trial->dossier({uid => INCASSO}, 'policy', 'versions'))[0], 1, 'not for everybody');

# ---- faults ------------------------------------------------------------------------------------------------------------------

sub refused {
    my ($text, $line, $says, $what) = @_;
    install($text);
    ok(until_true(5, sub { status()->{faulty} }), "$what: is told");
    my $now = status();
    is($now->{version}, version_of($second), "$what: the old one stays");
    is($now->{exit}, 1, "$what: status exits 1");
    like($now->{faults}[0]{text}, $says, "$what: with the fault");
    is($now->{faults}[0]{line}, $line, "$what: and its line") if defined $line;
    install($second);
    ok(until_true(5, sub { !status()->{faulty} }), "$what: taken back");
    return;
}
sub line_of { my ($text, $what) = @_; return 1 + ($text =~ /\A(.*?)^\Q$what\E/ms ? ($1 =~ tr/\n//) : die) }
my $faulty = changed($second, "type     = iban\n" => "type     = ibam\n");
install($faulty);
ok(until_true(5, sub { status()->{faulty} }), 'a faulty one is noticed');
is(slurp_as(INCASSO, "$innen/achternaam.txt"), "Noordstam\n", 'and the old one serves');
my $line = line_of($faulty, 'type     = ibam');
like($trial->said, qr/policy\.ini:$line: .*iban/, 'the journal has file and line');
like(slurp_as(BEHEER, "$mnt/mijn-toegang.txt"), qr/has faults.*\n  line $line: .*iban/, 'and so has the page of whose role edits');
unlike(slurp_as(INCASSO, "$mnt/mijn-toegang.txt"), qr/fault|Policy/, 'and no other');
my ($status, $out, $err) = $trial->dossier({uid => BEHEER}, 'status');
like($out, qr/policy\.ini:$line: .*iban/, 'status says it to people');
is($status, 1, 'and exits 1');
refused($faulty, $line, qr/iban/, 'a fault');
refused('', undef, qr/./, 'an empty file');
refused(changed($second, "[field huur]\nlabel    = Huur per maand\ncategory = contract\ntype     = amount\n" => ''), undef,
    qr/"huur"/, 'a field with values that is dropped');
my $moved = changed($second, "[field huur]\nlabel    = Huur per maand\ncategory = contract\n" =>
    "[field huur]\nlabel    = Huur per maand\ncategory = naam\n");
refused($moved, line_of($moved, '[field huur]'), qr/huur has values in category contract/, 'a field that moves');
my $zone = changed($second, 'Europe/Amsterdam' => 'Europe/London');
refused($zone, line_of($zone, 'timezone'), qr/timezone.*while mounted/, 'another time zone');
is(($trial->dossier({uid => INCASSO}, 'status'))[0], 1, 'status is not for everybody');
is(($trial->dossier({}, 'status'))[0], 0, 'but for root');

# ---- a shorter term hides at once ----------------------------------------------------------------------------------------------

my $ended = "$mnt/huur-innen/2020-00004";
is($incasso->ask("open 8 $ended/achternaam.txt") . $incasso->ask('map 8 shared') . $incasso->ask('peek 8'), "00Uitgaand\n",
    'a name whose term runs is open');
my $shorter = changed($second, "[category naam]\nretention = 2y after einddatum" => "[category naam]\nretention = 1m after einddatum");
install($shorter);
ok(in_force($shorter), 'a shorter term is in force');
is(slurp_as(INCASSO, "$ended/achternaam.txt"), 'ENOENT', 'what is due now is hidden');
is($incasso->ask('read 8'), 'ESTALE', 'for the open handle too');
ok(until_true(3, sub { $incasso->ask('peek 8') eq 'SIGBUS' }), 'and the mapping');
is(slurp_as(INCASSO, "$ended/huur.txt"), "400.00\n", 'the rest of the dossier stays');
install($second);
ok(in_force($second), 'the longer term again');
is(slurp_as(INCASSO, "$ended/achternaam.txt"), "Uitgaand\n", 'nothing was destroyed');

# From here on the first policy has the field that has values now.
$first = changed($first, "[field achternaam]\n" => "[field voornaam]\ncategory = naam\ntype     = text\n[field achternaam]\n");

# ---- half of a file ------------------------------------------------------------------------------------------------------------

# Up to [secrecy] it is a policy too; nobody wrote that one.
my ($half) = $first =~ /^(.*?)^\[role klantcontact\]/ms;
my $rest = substr $first, length $half;
open my $file, '>', $trial->{policy} or die;
$file->autoflush;
print $file $half;
kill 'HUP', $trial->{keeper};
sleep 0.4;
is(status()->{version}, version_of($second), 'half of a file that is being written is not read');
ok(!status()->{faulty}, 'nor called faulty');
print $file $rest;
close $file;
ok(in_force($first), 'the whole one is, once it is closed');
is(slurp_as(INCASSO, "$innen/rekeningnummer.txt"), "NL54TEST3514607673\n", 'and in force');
is(names_as(INCASSO, "$mnt/aanmaning"), 'ENOENT', 'a purpose that is no more');

# ---- a thousand in a row ---------------------------------------------------------------------------------------------------------

my $entries = () = $trial->log_lines('--what', 'policy');
$began = time;
my @each = map { changed($first, 'label    = Incasso' => "label    = Incasso $_") } 1 .. 1000;
my $reads = 0;
my $wrong = '';
for my $i (0 .. $#each) {
    install($i % 3 ? $each[$i] : $second);
    next if $i % 50;
    my $got = slurp_as(KLANTCONTACT, "$communicatie/achternaam.txt");
    $reads++;
    $wrong .= $got unless $got eq "Noordstam\n";
}
is($wrong, '', "a thousand rewrites in " . sprintf('%.1f', time - $began) . " s, and $reads reads between them: no error");
install($each[-1]);
ok(in_force($each[-1]), 'the last one is in force');
like(slurp_as(INCASSO, "$mnt/mijn-toegang.txt"), qr/Incasso 1000/, 'and shows');
is(status()->{faulty}, JSON::PP::false, 'none was taken for faulty');
is($incasso->ask('read 3') . $incasso->ask('peek 3'), "Noordstam\nNoordstam\n", 'the handle of long ago reads on');
my $now = () = $trial->log_lines('--what', 'policy');
cmp_ok($now - $entries, '>', 1, 'some of them were in force: ' . ($now - $entries));

# ---- a policy that a link leads to -------------------------------------------------------------------------------------------------

$incasso->end;
$klant->end;
$trial->forget_said;
is($trial->stop, 0, 'ends with 0');
mkdir "$trial->{dir}/$_" or die for qw(a b);
Trial::write_file("$trial->{dir}/b/one", $first);
Trial::write_file("$trial->{dir}/b/two", $second);
unlink $trial->{policy};
symlink "$trial->{dir}/a/link", $trial->{policy} or die;
symlink "$trial->{dir}/b/one", "$trial->{dir}/a/link" or die;
ok($trial->start, 'mounts with a link to a link') or BAIL_OUT($trial->said);
symlink "$trial->{dir}/b/two", "$trial->{dir}/a/link.new" or die;
rename "$trial->{dir}/a/link.new", "$trial->{dir}/a/link" or die;
kill 'HUP', $trial->{keeper};
ok(in_force($second), 'SIGHUP has it read where nothing is noticed');
kill 'HUP', $trial->{daemon};
is(slurp_as(INCASSO, "$innen/achternaam.txt"), "Noordstam\n", 'to the daemon itself it means nothing');
unlink $trial->{policy};
is(slurp_as(INCASSO, "$innen/achternaam.txt"), "Noordstam\n", 'a policy that was taken away stays in force');
ok(until_true(3, sub { kill('HUP', $trial->{keeper}); $trial->said =~ /can't be read/ }), 'and the journal says so');
$trial->stop;

# ---- killed around it ------------------------------------------------------------------------------------------------------------

for my $round (1 .. 8) {
    Trial::write_file($trial->{policy}, $first);
    ok($trial->start, "kill $round: starts") or diag($trial->said);
    is(status()->{version}, version_of($first), "kill $round: with the one that is there");
    install($second);
    sleep 0.004 * $round;
    kill 'KILL', $trial->{daemon};
    $trial->ended;
    ok($trial->start, "kill $round: starts again") or diag($trial->said);
    is(status()->{version}, version_of($second), "kill $round: with the new one");
    is(slurp_as(INCASSO, "$innen/rekeningnummer.txt"), 'ENOENT', "kill $round: whole");
    is($trial->stop, 0, "kill $round: ends with 0");
}
is($trial->verify, 5, 'the log is in order');
done_testing;
