#!/usr/bin/perl
# Goal: what is kept on paper and elsewhere proves the log: the key that init printed, a checkpoint, a proof of each entry that a program
# without the log checks; and one character changed in any of them proves nothing.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Trial qw(run write_file read_file);

my $build = abs_path($ENV{BUILD} // 'build');
plan skip_all => "there is no $build/dossier" unless -x "$build/dossier";
my $dir = tempdir('/var/tmp/dossierfs-proof-XXXXXX', CLEANUP => 1);
chmod 0755, $dir;
my $policy = write_file("$dir/proof-test-$$.ini", Trial::small_policy());
my ($store, $keys) = ("$dir/store", "$dir/keys");
my @open = ('-s', $store, '-p', $policy, '-k', $keys);

sub dossier { return run({}, "$build/dossier", @_) }
sub verify { return dossier('-s', $store, 'log', 'verify', @_) }
sub check { return run({}, "$build/dossier-check-proof", @_) }

my ($status, $out, $err) = dossier('-s', $store, '-k', $keys, 'init', $> == 0 ? ('--owner', '61000') : ());
is($status, 0, 'a store is made') or diag($err);
my ($paper) = $out =~ m{^  (dossierfs/[0-9a-f]{32}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44})$}m;
ok($paper, 'init prints the first public key of its log');

($status, $out, $err) = dossier(@open, 'import', '--kind', 'huurder',
    write_file("$dir/t.csv", join '', "code,achternaam\n", map { sprintf "2021-%05d,Noordstam\n", $_ } 1 .. 20));
is($status, 0, 'rows are imported') or diag($err);

# ---- key and checkpoint -----------------------------------------------------------------------------------------------

($status, $out) = verify();
is($status, 5, 'without an anchor: exit 5');
like($out, qr/^Not anchored: .* no key and no checkpoint .* can't be proved\.$/m, 'and the last line says so');
($status, $out) = verify('--pubkey', $paper);
is($status, 0, 'with the key from paper: exit 0');
like($out, qr/^All entries are covered\. Up to entry \d+ it is signed .* only a checkpoint can tell\.$/m, 'the last line says how far');
my $checkpoint = write_file("$dir/kept", (dossier('-s', $store, 'log', 'checkpoint'))[1]);
($status, $out) = verify('--json', '--since', $checkpoint, '--pubkey', $paper);
my $result = decode_json($out);
is($result->{result}, 'intact', 'JSON: intact');
is($result->{by_checkpoint}, $result->{entries}, 'the checkpoint covers all of it');
is($result->{by_key}, $result->{entries}, 'so does the key');
my $entries = $result->{entries};
dossier(@open, 'log', 'show');
$result = decode_json((verify('--json', '--since', $checkpoint))[1]);
cmp_ok($result->{entries}, '>', $entries, 'the log has grown');
is($result->{by_checkpoint}, $entries, 'and the checkpoint covers what it did');
like((verify('--since', $checkpoint))[1], qr/^No anchor covers the last \d+ entries\. Up to entry $entries /m, 'said for people');
($status, $out, $err) = verify('--pubkey', 'nonsense');
is($status, 2, 'a key that is none: exit 2');
is((verify('--since', "$dir/none"))[0], 2, 'a checkpoint that is not there: exit 2');
is((verify('--since', $policy))[0], 2, 'a file that is none: exit 2');

# ---- a file of checkpoints, elsewhere -----------------------------------------------------------------------------------

sub append { return (dossier('-s', $store, 'log', 'checkpoint', '--append', $_[0] // "$dir/elsewhere"))[0] }

my @sizes;
for (1 .. 4) {
    is(append(), 0, 'a checkpoint is kept');
    is(append(), 0, '... and the same not twice');
    push @sizes, decode_json((verify('--json', '--since', "$dir/elsewhere"))[1])->{by_checkpoint};
    system("cp -a $store/log $dir/second") if $_ == 2;
    dossier(@open, 'log', 'show');
}
is(scalar(() = read_file("$dir/elsewhere") =~ /^dossierfs/mg), 4, 'four are kept');
is_deeply(\@sizes, [sort { $a <=> $b } @sizes], 'the log has grown from each to the next');
is((verify('--since', "$dir/elsewhere"))[0], 0, 'and is proved against all of them');
my $kept = read_file("$dir/elsewhere");
is((dossier('log', 'checkpoint', '--append', "$dir/elsewhere", "$dir/second"))[0], 1, 'one that goes back is not kept');
is(read_file("$dir/elsewhere"), $kept, '... and nothing was changed');
is((dossier('log', 'verify', '--since', "$dir/elsewhere", "$dir/second"))[0], 3, 'a log that was put back is shorter');
write_file("$dir/back", join '', reverse $kept =~ /(dossierfs.*?=\n\n.*?\n|dossierfs.*?\n\n.*?\n)/sg);
is((verify('--since', "$dir/back"))[0], 1, 'kept checkpoints that go back are told');
is(append($policy), 1, 'a file of something else is left alone');
is(append("$dir/none/there"), 2, 'what can\'t be written is told');
$result = decode_json((verify('--json'))[1]);

# ---- proofs -----------------------------------------------------------------------------------------------------------

my $key = (dossier('-s', $store, 'log', 'checkpoint', '--pubkey'))[1];
chomp $key;
my ($good, $numbers) = (0, $result->{entries});
for my $number (1 .. $numbers) {
    my $proof = write_file("$dir/proof", (dossier('-s', $store, 'log', 'prove', $number))[1]);
    ($status, $out) = check('--pubkey', $key, $proof);
    $good++ if $status == 0 && $out =~ /^proved: entry $number is in the log of $numbers entries that was signed at \d{4}-/;
}
is($good, $numbers, "each of $numbers entries is proved");
is((dossier('-s', $store, 'log', 'prove', $numbers + 1))[0], 2, 'one that is not there can\'t be');
is((dossier('-s', $store, 'log', 'prove', 'x'))[0], 2, 'nor one that is no number');
my $newest = write_file("$dir/newest", (dossier('-s', $store, 'log', 'checkpoint'))[1]);
is((check('--pubkey', $key, '--checkpoint', $newest, "$dir/proof"))[0], 0, 'it is for the newest checkpoint');
is((check('--pubkey', $key, '--checkpoint', $checkpoint, "$dir/proof"))[0], 1, 'and for no other');
is((check('--pubkey', $paper, "$dir/proof"))[0], 1, 'and for no other key');
my $text = read_file("$dir/proof");
my $passed = 0;
for my $at (grep { $_ % 5 == 0 } 0 .. length($text) - 2) {
    my $bent = $text;
    substr($bent, $at, 1) = substr($bent, $at, 1) eq 'B' ? 'C' : 'B';
    $passed++ if (check('--pubkey', $key, write_file("$dir/bent", $bent)))[0] == 0;
}
is($passed, 0, 'no character of it can be another');
is((check("$dir/proof"))[0], 2, 'without a key: exit 2');
is((check('--pubkey', 'x', "$dir/proof"))[0], 2, 'with one that is none: exit 2');
done_testing;
