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
    is(system("$dossier policy check $policy >/dev/null"), 0, "$policy has no fault");
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
my @lines = map { $_->{line} } @{$flagship->{expectations}};
my %different = map { $_ => 1 } @lines;
cmp_ok(scalar keys %different, '>=', 80, 'written in many lines');
is_deeply($result{'examples/clinic.ini'}{coverage}{$_}{missing}, [], "all $_ of the clinic are asked")
    for qw(purposes kinds categories fields roles pairs);
my %missing;
$missing{$_}++ for map { @{$_->{coverage}{rules}{missing}} } @result{qw(examples/woningcorporatie.ini examples/clinic.ini)};
is_deeply([grep { $missing{$_} == 2 } sort keys %missing], [], 'each rule decides in the one or the other');
ok(!grep({ !@{$_->{requirements}} } @{$flagship->{expectations}}), 'each expectation names the requirement that it shows');
done_testing;
