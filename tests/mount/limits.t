#!/usr/bin/perl
# Goal: a program that the policy refuses opens and lists nothing; who opened as many dossiers as his role may within an hour opens no
# other one until it is over; both are in the log with their rule and on the own page, and neither keeps anybody else.
use strict;
use warnings;
use lib 'tests/mount/lib';
use File::Copy ();
use Test::More;
use Trial;

Trial::needs('faketime');
my $policy = Trial::small_policy();
$policy =~ s/^my-access = mijn-toegang.txt$/my-access = mijn-toegang.txt\nrefuse-programs = tracker-extract, gdk-pixbuf-thumbnailer/m or die;
$policy =~ s/^purposes = huur-innen, communicatie$/purposes = huur-innen, communicatie\ndossiers-per-hour = 2/m or die;
# Who may collect without a limit, but not answer the telephone.
$policy =~ s/^(\[role functionaris\])/[role toezicht]\nmembers  = 61006\npurposes = huur-innen\n[role klein]\nmembers = 61006\npurposes = huur-innen, communicatie\ndossiers-per-hour = 1\n$1/m or die;
$policy =~ s/^(bound  = )/${1}61006 2020-01-01, /m or die;
my $trial = Trial->new(policy => $policy, csv => undef);
$trial->at_time('2026-11-27 10:00:00');
$trial->import_csv(Trial::csv_of(Trial::rows()));
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};
sub innen { return "$mnt/huur-innen/2020-0000$_[0]/$_[1].txt" }
sub line_of { my ($what) = @_; return 1 + ($policy =~ /\A(.*?)^\Q$what\E/ms ? ($1 =~ tr/\n//) : die) }
sub refused { my ($uid) = @_; return map { ($_->{rule} // '') . ($_->{count} > 1 ? "x$_->{count}" : '') }
    grep { $_->{uid} == $uid && $_->{outcome} eq 'refused' } $trial->log_entries }

# ---- programs ------------------------------------------------------------------------------------------------------------------

for my $name ('tracker-extract', 'gdk-pixbuf-thumbnailer', 'tracker-extra') {
    File::Copy::copy('/bin/cat', "$trial->{dir}/bin/$name") or die;
    chmod 0755, "$trial->{dir}/bin/$name";
    File::Copy::copy('/bin/ls', "$trial->{dir}/bin/ls-$name") or die;
}
my ($status, $out, $err) = run({uid => KLANTCONTACT}, $trial->bin('tracker-extract'), "$mnt/communicatie/2020-00001/achternaam.txt");
is("$status $out", '1 ', 'a program that the policy refuses');
like($err, qr/Permission denied/, 'is denied');
my $line = line_of('refuse-programs');
is(join(' ', refused(KLANTCONTACT)), "program $line", 'with its rule in the log');
like(slurp_as(KLANTCONTACT, "$mnt/mijn-toegang.txt"), qr{2020-00001/achternaam: program tracker-extract .*policy\.ini:$line$}m,
    'and on the own page');
($status, $out, $err) = run({uid => KLANTCONTACT}, $trial->bin('gdk-pixbuf-thumbnailer'), "$mnt/communicatie/2020-00001/telefoon.txt");
is("$status $out", '1 ', 'one with a longer name than the kernel keeps');
mkdir "$trial->{dir}/lister" or die;
File::Copy::copy('/bin/ls', "$trial->{dir}/lister/tracker-extract") or die;
chmod 0755, "$trial->{dir}/lister/tracker-extract";
for my $directory ("$mnt/communicatie", "$mnt/communicatie/2020-00001") {
    ($status, $out, $err) = run({uid => KLANTCONTACT}, "$trial->{dir}/lister/tracker-extract", $directory);
    is($out, '', "it lists nothing: $directory");
}
($status, $out, $err) = run({uid => KLANTCONTACT}, "$trial->{dir}/lister/tracker-extract", $mnt);
like($out, qr/mijn-toegang/, 'but for the root, where nothing is');
($status, $out, $err) = run({uid => KLANTCONTACT}, $trial->bin('tracker-extract'), "$mnt/communicatie/2020-00009/achternaam.txt");
like($err, qr/No such file/, 'what does not exist still does not');
($status, $out, $err) = run({uid => OPZICHTER}, $trial->bin('tracker-extract'), "$mnt/communicatie/2020-00001/achternaam.txt");
like($err, qr/No such file/, 'nor what is hidden');
($status, $out, $err) = run({uid => KLANTCONTACT}, $trial->bin('tracker-extra'), "$mnt/communicatie/2020-00001/achternaam.txt");
is($out, "Noordstam\n", 'another one reads');
# A thread that is called otherwise is in its process all the same.
($status, $out, $err) = run({uid => KLANTCONTACT}, 'perl', '-e',
    'open my $f, ">", "/proc/self/comm"; syswrite $f, "tracker-extract"; close $f; open $f, "<", $ARGV[0] or die "$!\n"; print <$f>',
    "$mnt/communicatie/2020-00002/achternaam.txt");
like($err, qr/Permission denied/, 'whoever calls itself so is refused; it is a courtesy');

# ---- bulk ----------------------------------------------------------------------------------------------------------------------

like(slurp_as(INCASSO, "$mnt/mijn-toegang.txt"), qr/^Limit:   Incasso: 0 of 2 different dossiers an hour$/m, 'the own page has the limit');
is(slurp_as(INCASSO, innen(1, 'huur')), "612.50\n", 'the first dossier');
$trial->at_time('2026-11-27 10:30:00');
is(slurp_as(INCASSO, innen(1, 'achternaam')), "Noordstam\n", 'the same again');
is(slurp_as(INCASSO, innen(2, 'huur')), "733.10\n", 'the second');
is(slurp_as(INCASSO, innen(3, 'huur')), 'EDQUOT', 'a third within the hour');
is(slurp_as(INCASSO, innen(3, 'achternaam')), 'EDQUOT', 'whatever of it');
is(slurp_as(INCASSO, "$mnt/communicatie/2020-00003/achternaam.txt"), 'EDQUOT', 'for whatever purpose');
is(slurp_as(INCASSO, "$mnt/huur-innen/2020-00003/dossier.txt"), 'EDQUOT', 'nor the whole');
is(slurp_as(INCASSO, innen(9, 'huur')), 'ENOENT', 'what does not exist still does not');
is(slurp_as(INCASSO, innen(2, 'achternaam')), "Quintbrugge\n", 'what was opened may be opened again');
is(names_as(INCASSO, "$mnt/huur-innen"), '2020-00001 2020-00002 2020-00003', 'listing goes on');
is(slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00003/achternaam.txt"), "van Égmondwei\n" =~ s/É/\xc3\x89/r, 'and so do others');
$line = line_of('dossiers-per-hour = 2');
is((grep { $_ eq "dossiers-per-hour $line" } refused(INCASSO)) > 0 ? 1 : 0, 1, 'the log has the rule');
my $page = slurp_as(INCASSO, "$mnt/mijn-toegang.txt");
like($page, qr/^Limit:   Incasso: 2 of 2 different dossiers an hour, counted anew from 2026-11-27 11:00:00 on$/m, 'the page when it ends');
like($page, qr{2020-00003/huur: as incasso you opened 2 different dossiers within an hour; more from 2026-11-27 11:00:00 on}, 'and why');
$trial->at_time('2026-11-27 10:59:59');
is(slurp_as(INCASSO, innen(3, 'huur')), 'EDQUOT', 'the last second of the hour');
# A new policy does not begin it anew, and its limit counts at once.
sub install {
    my ($text) = @_;
    Trial::write_file("$trial->{policy}.new", $text);
    rename "$trial->{policy}.new", $trial->{policy} or die;
    return;
}
(my $more = $policy) =~ s/dossiers-per-hour = 2/dossiers-per-hour = 3/;
install($more);
ok(until_true(5, sub { slurp_as(INCASSO, innen(3, 'huur')) eq "501.00\n" }), 'a policy that allows one more');
install($policy);
ok(until_true(5, sub { slurp_as(INCASSO, "$mnt/mijn-toegang.txt") =~ /: 3 of 2 / }), 'the stricter one again');
$trial->at_time('2026-11-27 11:00:00');
is(slurp_as(INCASSO, innen(1, 'huur')), "612.50\n", 'the next hour');
is(slurp_as(INCASSO, innen(2, 'huur')), "733.10\n", 'has two');
is(slurp_as(INCASSO, innen(3, 'huur')), 'EDQUOT', 'and no more');

# Two roles: the one without a limit counts where it shows the field.
is(slurp_as(61006, innen($_, 'huur')), (undef, "612.50\n", "733.10\n", "501.00\n")[$_], "the most generous role: $_") for 1 .. 3;
is(slurp_as(61006, "$mnt/communicatie/2020-00001/achternaam.txt"), "Noordstam\n", 'where only the other one shows it: one');
is(slurp_as(61006, "$mnt/communicatie/2020-00002/achternaam.txt"), 'EDQUOT', 'and no other');

($status, $out, $err) = run({}, $trial->bin('dossier'), '-p', $trial->{policy}, 'policy', 'explain', '--user', INCASSO,
    '--purpose', 'huur-innen');
like($out, qr/Limit: as incasso at most 2 different dossiers an hour  \(\S+policy\.ini:$line\)/, 'explain tells the limit');
is($trial->stop, 0, 'ends with 0');
is($trial->verify, 5, 'the log is in order');
ok($trial->start, 'mounted again');
is(slurp_as(INCASSO, innen(3, 'huur')), "501.00\n", 'it begins anew, as the manual says');
is($trial->stop, 0, 'ends with 0');
done_testing;
