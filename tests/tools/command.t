#!/usr/bin/perl
# Goal: the command does what its manual says without a mount: stores are made, CSV goes in whole or not at all, faults are
# named and values are not, the log answers and verifies, and every failure has its exit code and one clear line.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Trial qw(run write_file read_file);

my $build = abs_path($ENV{BUILD} // 'build');
my $dossier = "$build/dossier";
plan skip_all => "there is no $dossier" unless -x $dossier;
my $dir = tempdir('/var/tmp/dossierfs-command-XXXXXX', CLEANUP => 1);
chmod 0755, $dir;
my @owner = $> == 0 ? ('--owner', '61000') : ();
my $policy = write_file("$dir/command-test-$$.ini", Trial::small_policy());
my ($store, $key) = ("$dir/store", "$dir/key");
my @open = ('-s', $store, '-p', $policy, '-k', $key);
my $csv = Trial::csv_of(Trial::rows());

sub dossier { my ($o, @words) = ref $_[0] ? @_ : ({}, @_); return run($o, $dossier, @words) }

# Exit code and a piece of what is said; nothing on the other stream if `quiet`.
sub fails {
    my ($name, $status, $pattern, @call) = @_;
    my ($got, $out, $err) = dossier(@call);
    is($got, $status, "$name: exit $status") or diag("$out$err");
    like($err, $pattern, "$name: says why");
    return ($out, $err);
}

# ---- usage ---------------------------------------------------------------------------------------------------------------

fails('nothing', 2, qr/^dossier: no command given/);
fails('a slip', 2, qr/did you mean "import"/, 'imprt', 'x');
fails('no mount', 2, qr/which mount\?/, 'log', 'show');
fails('no policy there', 2, qr{\Q$dir/none.ini\E can't be read: No such file}, '-s', $store, '-p', "$dir/none.ini", 'log', 'show');
is((dossier('--version'))[1], "dossier 0.1.0\n", '--version');
is((dossier('-V'))[1], "dossier 0.1.0\n", '-V');
for my $words (['log', '--help'], ['help', 'log'], ['-h', 'log'], ['log', '-s', $store, '-h']) {
    my ($status, $out) = dossier(@$words);
    is($status, 0, "@$words: exit 0");
    like($out, qr/^  log show +show entries .*\n(?:.*\n)*  log verify +check that /m, "@$words: the verbs and their help");
}
fails('a noun alone', 2, qr/^dossier: log what\? one of: (?:\S+ )*show (?:\S+ )*verify\b/m, 'log');

SKIP: {
    skip 'there is no dossierfs', 1 unless -x "$build/dossierfs";
    like((run({}, "$build/dossierfs", '-s', $store, '-p', "$dir/none.ini", $dir))[2], qr/^dossierfs: the policy .* can't be read/,
        'the daemon speaks under its own name');
}

# ---- init ----------------------------------------------------------------------------------------------------------------

write_file("$dir/short", "elevenbytes\nrest");
write_file("$dir/words", "correct horse battery\nnot this line\n");
chmod 0600, "$dir/words";
fails('no place', 2, qr/where\? -s STORE/, 'init');
fails('a short passphrase', 2, qr/shorter than 12 bytes: whoever steals/, '-s', $store, '--passphrase-file', "$dir/short", 'init', @owner);
ok(!-e $store, 'and nothing was made');
fails('no terminal', 2, qr/no terminal to ask/, '-s', $store, 'init', @owner) if !-t STDIN || !open(my $tty, '<', '/dev/tty');
if ($> == 0) {
    fails('owner root', 2, qr/never runs as root/, '-s', $store, '-k', $key, 'init', '--owner', 'root');
    fails('owner nobody knows', 2, qr/no account "who-is-it".*; make one: useradd --system who-is-it$/m, '-s', $store, '-k', $key, 'init', '--owner', 'who-is-it');
    ok(!-e $key, 'no key file stays behind a failure');
}
my ($status, $out, $err) = dossier('-s', $store, '-k', $key, '--passphrase-file', "$dir/words", 'init', @owner);
is($status, 0, 'init') or diag("$out$err");
like($out, qr/^made the store \Q$store\E.*made the key file \Q$key\E: keep a copy/s, 'says what was made');
like($out, qr/^      dossierfs -s \Q$store\E -p POLICY --key-file \Q$key\E MOUNTPOINT$/m, 'and what comes next');
like((dossier('-s', "$dir/store-of-words", '--passphrase-file', "$dir/words", 'init', @owner))[1],
    qr/POLICY --passphrase-file \Q$dir\E\/words import .*POLICY --passphrase-file \Q$dir\E\/words MOUNTPOINT$/ms, 'with a passphrase too');
is(-s $key, 32, 'the key file has 32 bytes');
is((stat $key)[2] & 07777, 0600, 'for its owner alone');
is((stat $store)[2] & 07777, 0700, 'the store too');
is((stat "$store/header")[4], 61000, 'and belongs to its owner') if @owner;
my $key_bytes = read_file($key);
fails('init again', 2, qr/./, '-s', $store, '-k', $key, 'init', @owner);
is(read_file($key), $key_bytes, 'an old key file is left as it was');

# ---- keys ----------------------------------------------------------------------------------------------------------------

my @place = ('-s', $store, '-p', $policy);
write_file("$dir/other-key", 'k' x 32);
write_file("$dir/tiny-key", 'k' x 31);
chmod 0600, "$dir/other-key";
fails('another key', 2, qr/^dossier: .+/, @place, '-k', "$dir/other-key", 'log', 'show');
fails('a short key', 2, qr/has 31 bytes; it must have 32 to/, @place, '-k', "$dir/tiny-key", 'log', 'show');
fails('a directory as key', 2, qr/not a regular file/, @place, '-k', $dir, 'log', 'show');
fails('no key file', 2, qr/there is no key file/, @place, '-k', "$dir/none", 'log', 'show');
fails('a wrong passphrase', 2, qr/^dossier: .+/, @place, '--passphrase-file', "$dir/short", 'log', 'show');
is((dossier(@place, '--passphrase-file', "$dir/words", 'log', 'show', '--json'))[0], 0, 'the passphrase opens it');
is((dossier({stdin => "correct horse battery\n"}, @place, '--passphrase-file', '-', 'log', 'show', '--json'))[0], 0,
    'from standard input too');
chmod 0640, $key;
like((dossier(@open, 'log', 'show', '--json'))[2], qr/warning: others than its owner may use the key file/, 'a key that others may read');
chmod 0600, $key;
my $held = "correct horse battery";
for my $name (qw(PASSPHRASE DOSSIER_PASSPHRASE DOSSIERFS_PASSPHRASE DOSSIER_KEY)) {
    local $ENV{$name} = $held;
    next if -t STDIN;
    is((run({}, 'setsid', $dossier, @place, 'log', 'show'))[0], 2, "no key comes from $name");
}

# ---- import --------------------------------------------------------------------------------------------------------------

sub import_of { my ($text, @options) = @_; return dossier({stdin => $text}, @open, 'import', @options, '-') }
sub entries { my ($s, $o) = dossier(@open, 'log', 'show', '--json', @_); is($s, 0, "log show @_"); return map { decode_json($_) } split /\n/, $o }

($status, $out, $err) = import_of($csv);
is($status, 0, 'import') or diag("$out$err");
is($out, "(stdin): 3 rows: 3 added, 0 changed, 0 unchanged, 0 rejected\n", 'summary');
is($err, '', 'and no other word');
like((import_of($csv))[1], qr/0 added, 0 changed, 3 unchanged/, 'the same again changes nothing');

(my $moved = $csv) =~ s/612\.50/613.50/;
($status, $out, $err) = import_of($moved);
is($status, 1, 'different values are a fault');
like($err, qr/^\(stdin\):2: /m, 'with its line');
unlike("$out$err", qr/61[23]\.50/, 'and without the value');
like($out, qr/nothing was imported: 1 fault in 3 rows/, 'nothing is imported');
like((import_of($moved, '--update'))[1], qr/1 changed, 2 unchanged/, '--update makes a version');

my $count = () = entries('--what', 'change');
my @bad = (
    ['wrong count', "code,huur\n2021-00001,1,2\n", qr/:2: 3 values, where the header names 2 columns/],
    ['a quote', "code,huur\n2021-00001,1\"2\n", qr/:2: character 13: a quote in the wrong place/],
    ['an open quote', "code,huur\n2021-00001,\"1\n", qr/:2: a quote opens here that nothing closes/],
    ['NUL', "code,huur\n2021-00001,\0\n", qr/:2: character 12 is a NUL byte/],
    ['encoding', "code,achternaam\n2021-00001,Caf\xE9\n", qr/:2: character 15 is not UTF-8 .*windows-1252/],
    ['unknown column', "code,achtrnaam\n2021-00001,A\n", qr/:1: column achtrnaam: .*did you mean "achternaam"/],
    ['column twice', "code,huur,huur\n2021-00001,1,2\n", qr/:1: column huur: the file has this column twice/],
    ['no header', "2021-00001,Zandbergen\n", qr/:1: none of the columns is known/],
    ['no code', "huur,achternaam\n1,A\n", qr/:1: which column holds the dossier's code/],
    ['a code twice', "code,huur\n2021-00001,1\n2021-00001,1\n", qr/:3: column code: .*twice/],
    ['no such code', "code,huur\nx,1\n", qr/:2: column code: /],
    ['a bad value', "code,rekeningnummer\n2021-00001,NL91ABNA0417164301\n", qr/:2: column rekeningnummer: /],
    ['empty file', '', qr/:1: the file is empty/],
    ['10 MB line', "code,achternaam\n2021-00001," . 'x' x (10 << 20) . "\n", qr/:2: the row is longer than 1048576 bytes/],
);
for my $row (@bad) {
    my ($name, $text, $pattern) = @$row;
    ($status, $out, $err) = import_of($text);
    is($status, 1, "$name: exit 1") or diag("$out$err");
    like($err, $pattern, "$name: says where and why");
    unlike("$out$err", qr/Zandbergen|0417164301|xxxx/, "$name: no value is repeated");
}
like((import_of("code,huur\n" . "2021-00001,x\n" x 30))[2], qr/(?:^\(stdin\):.*\n){20}\.\.\. and 10 more faults\n\z/m, 'twenty faults, and the count');
is(scalar(() = entries('--what', 'change')), $count, 'none of this changed a dossier');

my $mixed = "code,achternaam,huur\n2021-00001,Goedman,100\n2021-00002,\"Kwaad,man\",veel\n2021-00003,Beter,200\n";
($status, $out, $err) = dossier({stdin => $mixed}, @open, 'import', '--rejects', "$dir/rejects.csv", '-');
is($status, 1, '--rejects: faults were found');
like($out, qr/3 rows: 2 added, 0 changed, 0 unchanged, 1 rejected/, '--rejects: the good rows are in');
my @rejects = split /\r\n/, read_file("$dir/rejects.csv");
is($rejects[0], 'line,column,reason,row', 'rejects: header');
like($rejects[1], qr/^3,"huur","[^"]+","2021-00002,""Kwaad,man"",veel"$/, 'rejects: line, column, reason, row');
is((stat "$dir/rejects.csv")[2] & 07777, 0600, 'rejects: for their owner alone');
fails('rejects that are there', 2, qr/File exists; name a new file/, @open, 'import', '--rejects', "$dir/rejects.csv", $policy);
dossier({stdin => $csv}, @open, 'import', '--update', '--rejects', "$dir/none.csv", '-');
ok(!-e "$dir/none.csv", 'no file where no row was rejected');
if ($> == 0) {
    is((grep { (stat)[4] != 61000 } glob("$store/* $store/log/*")) + 0, 0, 'all of the store still belongs to its owner');
    is((stat "$dir/rejects.csv")[4], 0, 'the rejects to who asked');
}

like((import_of("CODE,Huur\n2021-00001,100\n"))[1], qr/^\(stdin\): 1 row: 0 added, 0 changed, 1 unchanged/, 'capitals in the header, and one row');
like((import_of("code,huur,Huur\n2021-00001,1,2\n"))[2], qr/:1: column Huur: is the same field as column huur/, 'but not twice the same');
like((import_of("NR,nr,huur\n2021-00001,2,1\n", '--code', 'Nr'))[2], qr/no column "Nr", which --code names/, 'nor one of two at random');
write_file("$dir/layout.map", "# old layout\nContract = -\nNr = -\nNaam = achternaam\nHuurprijs = huur\n");
write_file("$dir/old.csv", "Nr;Contract;Naam;Huurprijs\r\n1;2022-00001;Caf\xE9;100,50\r\n");
($status, $out, $err) = dossier(@open, 'import', '--map', "$dir/layout.map", '--code', 'Contract', '--delimiter', 'semicolon',
    '--encoding', 'windows-1252', '--json', "$dir/old.csv");
my $result = eval { decode_json($out) } // {};
is($result->{added}, 1, 'an old layout is read') or diag("$status $out$err");
is($status, 0, 'and exits 0');
fails('a faulty map', 1, qr/layout2\.map:1: the policy has no field "hur"; did you mean "huur"/, @open, 'import', '--map',
    write_file("$dir/layout2.map", "Prijs = hur\n"), "$dir/old.csv");
fails('the code in a map', 1, qr/layout3\.map:1: .*the column of the code: --code COLUMN/, @open, 'import', '--map',
    write_file("$dir/layout3.map", "Contract = code\n"), "$dir/old.csv");
fails('no such kind', 2, qr/no kind "huurdr"; did you mean "huurder"/, @open, 'import', '--kind', 'huurdr', "$dir/old.csv");
fails('no such file', 2, qr/can't be read: No such file/, @open, 'import', "$dir/nowhere.csv");
fails('a directory', 2, qr/is a directory/, @open, 'import', $dir);

# ---- log -----------------------------------------------------------------------------------------------------------------

my @all = entries();
cmp_ok(scalar @all, '>', 5, 'the log has entries');
is_deeply([map { $_->{number} } @all], [sort { $a <=> $b } map { $_->{number} } @all], 'oldest first');
is(scalar(() = entries('--limit', 2)), 2, '--limit');
is((entries('--limit', 1, '--what', 'change', '--subject', '2020-00002'))[0]{subject}, '2020-00002', '--subject');
ok(!(grep { $_->{what} ne 'import' } entries('--what', 'import')), '--what');
ok(!(grep { $_->{uid} != $> } entries('--user', $>)), '--user by uid');
is(scalar(() = entries('--to', '2001-01-01')), 0, '--to');
cmp_ok(scalar(() = entries('--from', '-1h')), '>', 5, '--from');
($status, $out, $err) = dossier(@open, 'log', 'show', '--user', 'who-is-it', '--subject', 'A-1');
is($status, 0, 'nobody and nothing: no fault');
like($err, qr/^dossier: no account "who-is-it" here; entries are searched by that name alone$/m, 'but the account is told');
like($err, qr/^dossier: no kind of dossier .* codes like that one$/m, 'and the code');
is((dossier(@open, 'log', 'show', '--json', '--user', 'root', '--subject', '2020-00002'))[2], '', 'no word where both are right');
fails('no time', 2, qr/"tomorow" is no time/, @open, 'log', 'show', '--from', 'tomorow');
fails('no outcome', 2, qr/did you mean "refused"/, @open, 'log', 'show', '--outcome', 'refusd');
fails('two formats', 2, qr/either --csv or --json/, @open, 'log', 'show', '--csv', '--json');
($status, $out) = dossier(@open, 'log', 'show', '--csv', '--limit', 1);
like($out, qr/^number,erased,time,[^\n]*span\r\n\d+,0,\d{4}-\d\d-\d\dT[^\n]*\r\n\z/, '--csv');
is(scalar(split(/,/, (split /\r\n/, $out)[0])), 21, 'columns of the header');
($status, $out) = dossier(@open, 'log', 'show', '--limit', 3);
like($out, qr/^TIME +USER +WHAT/, 'a table for people');
unlike($out, qr/ $/m, 'without blanks at the ends of lines');
# The log keeps the name of the program, which is of the caller's choosing.
my $formula = "$dir/=1+1;\@A1\e[2J";
symlink $dossier, $formula or die "$formula: $!";
run({}, $formula, @open, 'log', 'show', '--limit', 1);
($status, $out) = dossier(@open, 'log', 'show', '--csv', '--what', 'command', '--limit', 2);
like($out, qr/,"'=1\+1;'\@A1\\x1B\[2J",/, "a program's name is no formula, and no order to a terminal");
is((grep { $_->{program} eq "=1+1;\@A1\e[2J" } entries('--what', 'command')) + 0, 1, 'as JSON it is as it was');
unlike(read_file("$store/log/index.db"), qr/Noordstam|NL54TEST/, 'no value in the index') if -r "$store/log/index.db";

($status, $out) = dossier('-s', $store, 'log', 'verify');
is($status, 5, 'verify: intact, not anchored');
like($out, qr/^Not anchored: .*kept elsewhere/m, 'and says what that means');
($status, $out) = dossier('log', 'verify', '--json', "$store/log");
is($status, 5, 'verify of a directory');
is(decode_json($out)->{result}, 'not-anchored', 'as JSON');
system('cp', '-r', "$store/log", "$dir/copy");
my ($segment) = sort grep { -f && !/index|\.db/ && -s > 3000 } glob("$dir/copy/*");
open my $file, '+<', $segment or die "$segment: $!";
seek $file, 2000, 0;
print $file 'altered!';
close $file;
is((dossier('log', 'verify', "$dir/copy"))[0] =~ /^[14]$/ ? 1 : 0, 1, 'a byte that was changed is found');
fails('no log', 2, qr/./, 'log', 'verify', "$dir/none");
is((run({}, 'sh', '-c', "'$dossier' --help | head -0; exit 0"))[2], '', 'a reader who left is no fault');

# ---- policy --------------------------------------------------------------------------------------------------------------

($status, $out) = dossier('policy', 'check', $policy);
is($status, 0, 'policy check: good');
like($out, qr/^\Q$policy\E: good: 1 kind, 5 categories, 6 fields, 3 purposes, 5 roles$/, 'with counts');
(my $text = Trial::small_policy()) =~ s/purposes = onderhoud/purposes = onderhod/;
write_file("$dir/bad.ini", $text);
($status, $out) = dossier('policy', 'check', "$dir/bad.ini");
is($status, 1, 'policy check: faults');
like($out, qr/^\Q$dir\E\/bad\.ini:\d+: .*onderhoud.*\n\Q$dir\E\/bad\.ini: 1 fault\n\z/, 'with file and line');
is(decode_json((dossier('policy', 'check', '--json', "$dir/bad.ini"))[1])->{good}, JSON::PP::false, 'as JSON');
($text = Trial::small_policy()) .= "[category leeg]\n";
write_file("$dir/warn.ini", $text);
my $leeg_line = $text =~ tr/\n//;
($status, $out) = dossier('policy', 'check', "$dir/warn.ini");
is($status, 0, 'policy check: a warning stops nothing');
like($out, qr/^\Q$dir\E\/warn\.ini:$leeg_line: warning: the category 'leeg' has no field\n\Q$dir\E\/warn\.ini: good: .*; 1 warning\n\z/,
    'and is told with its line');
is((dossier('policy', 'check', '--strict', "$dir/warn.ini"))[0], 1, 'unless --strict');
is((dossier('policy', 'check', '--strict', $policy))[0], 0, '--strict: good');
($status, $out) = dossier('policy', 'check', '--json', '--strict', "$dir/warn.ini");
is($status, 1, '--strict as JSON');
my $checked = decode_json($out);
is($checked->{good}, JSON::PP::true, 'it may be in force');
is_deeply([map { $_->{line} } @{$checked->{warnings}}], [$leeg_line], 'the warning');
is(scalar @{$checked->{faults}}, 0, 'which is no fault');
($status, $out) = dossier('policy', 'check', '--strict', write_file("$dir/warns.ini",
    Trial::small_policy() . join '', map { "[category leeg$_]\n" } 1 .. 22));
is(scalar(() = $out =~ /: warning: /g), 20, 'twenty warnings are told');
like($out, qr/^\.\.\. and 2 more\n.*; 22 warnings\n\z/m, 'the others are counted');
($text = Trial::small_policy()) =~ s{^(\s*timezone\s*=\s*).*}{$1Europe/Amsterdim}m;
my ($above) = $text =~ /\A(.*?)^timezone/ms;
my $zone_line = 1 + $above =~ tr/\n//;
($status, $out) = dossier('policy', 'check', write_file("$dir/zone.ini", $text));
is($status, 1, 'a time zone that the system does not know');
like($out, qr/^\Q$dir\E\/zone\.ini:$zone_line: timezone: .*'Europe\/Amsterdim'/, 'with its line');
($status, $out) = dossier('policy', 'check', write_file("$dir/many.ini", Trial::small_policy() . "[role x]\n" . "wrong = 1\n" x 50));
my ($told, $more, $of) = (scalar(() = $out =~ /^\Q$dir\E\/many\.ini:\d+: /mg), $out =~ /^\.\.\. and (\d+) more\n.*: (\d+) faults\n\z/m);
is($told, 20, 'twenty faults are told');
is($told + ($more // 0), $of, 'the others are counted');
is(scalar @{decode_json((dossier('policy', 'check', '--json', "$dir/many.ini"))[1])->{faults}}, $of, 'all of them as JSON');
fails('no policy', 2, qr/can't be read/, 'policy', 'check', "$dir/none.ini");
fails('a policy with a fault', 2, qr/bad\.ini:\d+: /, '-s', $store, '-p', "$dir/bad.ini", '-k', $key, 'log', 'show');

my @explain = ('-p', $policy, 'policy', 'explain', '--purpose');
($status, $out) = dossier(@explain, 'huur-innen', '--user', 61001);
is($status, 0, 'explain');
like($out, qr/^rekeningnummer\s+shown/m, 'a field that shows');
($status, $out) = dossier(@explain, 'communicatie', '--user', 61002, '--field', 'rekeningnummer');
like($out, qr/^rekeningnummer is masked: .*  \(\Q$policy\E:\d+\)$/m, 'a field that is masked, and the line');
like((dossier(@explain, 'huur-innen', '--user', 61001, '--field', 'huur'))[1], qr/^huur is shown  \(\Q$policy\E:\d+\)$/m, 'one that shows');
($status, $out) = dossier(@explain, 'huur-innen', '--user', 61003, '--field', 'huur');
like($out, qr/=> no .*\Q$policy\E:\d+|=> no  /, 'the first that failed is marked');
like($out, qr/^huur is hidden$/m, 'hidden');
like($out, qr/^Assumed: /m, 'what is assumed is said');
like((dossier(@explain, 'huur-innen', '--user', 61001, '--at', '2019-12-31', '--field', 'huur'))[1], qr/not bound.*huur is hidden/s,
    'at another time');
fails('no such purpose', 2, qr/did you mean "huur-innen"/, @explain, 'huurinnen', '--user', 61001);
fails('no such field', 2, qr/did you mean "huur"/, @explain, 'huur-innen', '--user', 61001, '--field', 'hur');

done_testing();
