#!/usr/bin/perl
# Goal: the example policies have no fault, and each does what its file of expectations, written by hand, says; what no decision can
# show apart, the housing association's file asks for every purpose, field and role.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use JSON::PP;
use Test::More;

chdir dirname(File::Spec->rel2abs($0)) . '/../..' or die "chdir: $!\n";
my $dossier = File::Spec->rel2abs($ENV{BUILD} // 'build') . '/dossier';
plan skip_all => "$dossier is not built" unless -x $dossier;

my @policies = glob 'examples/*.ini';
cmp_ok(scalar @policies, '>=', 3, 'there are example policies');
my %result;
for my $policy (@policies) {
    my $file = $policy =~ s/ini$/test/r;
    ok(-f $file, "$policy has its expectations") or next;
    my $strict = $policy eq 'examples/clinic.ini' ? '' : '--strict'; # the clinic has a warning to show
    is(system("$dossier policy check $strict $policy >/dev/null"), 0, "$policy has no fault");
    my $out = `$dossier -p $policy policy test --json $file`;
    is($? >> 8, 0, "$policy does what is expected of it") or diag `$dossier -p $policy policy test --failures $file`;
    $result{$policy} = decode_json($out);
}

my $flagship = $result{'examples/woningcorporatie.ini'};
cmp_ok($flagship->{passed}, '>=', 300, 'the housing association: 300 expectations');
my $coverage = $flagship->{coverage};
is_deeply($coverage->{$_}{missing}, [], "all its $_ are asked") for qw(purposes kinds categories fields pairs);
is_deeply($coverage->{roles}{missing}, ['webstatistiek'], 'and all its roles but the one that nobody is in');
my %ids = map { map { $_ => 1 } @{$_->{requirements}} } @{$flagship->{expectations}};
is_deeply([grep { !$ids{"C$_"} } 1 .. 17], [], 'each of the 17 purposes');
# Every number of what an association promises is shown by an expectation, or the table at the head says where it is dealt with.
my @numbers = (map({ "A$_" } 1, 4 .. 11), map({ "B$_" } 1 .. 8), map({ "C$_" } 1 .. 18), map({ "D$_" } 1, 3 .. 9), map({ "E$_" } 1 .. 5),
    map({ "F$_" } 1 .. 19), qw(G1 G2 G3 G6 H1), map({ "H$_" } 3 .. 11));
open my $file, '<', 'examples/woningcorporatie.test' or die $!;
my ($elsewhere) = join('', <$file>) =~ /^(; A decision about one field shows no more.*?)^$/ms or die 'no table';
my %told = map { map { $_ => 1 } split ' ' } $elsewhere =~ /^;   ((?:[A-H][0-9]+ )+)/mg;
is_deeply([grep { !$ids{$_} && !$told{$_} } @numbers], [], 'each requirement is shown, or it is told where it is dealt with');
cmp_ok(scalar(grep { $ids{$_} } @numbers), '>=', 55, 'most of them are shown');
my @lines = map { $_->{line} } @{$flagship->{expectations}};
my %different = map { $_ => 1 } @lines;
cmp_ok(scalar keys %different, '>=', 80, 'written in many lines');
is_deeply($result{'examples/clinic.ini'}{coverage}{$_}{missing}, [], "all $_ of the clinic are asked")
    for qw(purposes kinds categories fields roles pairs);
my %missing;
$missing{$_}++ for map { @{$_->{coverage}{rules}{missing}} } @result{qw(examples/woningcorporatie.ini examples/clinic.ini)};
is_deeply([grep { $missing{$_} == 2 } sort keys %missing], [], 'each rule decides in the one or the other');
for my $policy (qw(examples/woningcorporatie.ini examples/clinic.ini)) {
    ok(!grep({ !@{$_->{requirements}} } @{$result{$policy}{expectations}}), "each expectation of $policy names the requirement that it shows");
}
done_testing;
