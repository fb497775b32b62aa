#!/usr/bin/perl
# slow
# Goal: the expectations of the housing association's policy notice when any one thing that it says changes: an item of a list, a term, a
# condition. What they don't notice has to be listed here, with the reason.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use Trial qw(run write_file read_file);

my $dossier = abs_path($ENV{BUILD} // 'build') . '/dossier';
plan skip_all => "there is no $dossier" unless -x $dossier;
my $dir = tempdir(CLEANUP => 1);
my @lines = split /\n/, read_file('examples/woningcorporatie.ini');

# No decision can show these.
my %unseen = (
    '[category identificatie] store' => 'of what may be kept, not of who sees it; policy_load looks at it',
    '[role meldpunt] fields: overlast-melding' => 'what is dropped is hidden, listed or not',
    '[role meldpunt] fields: reparatie-melding' => 'the same',
);

# Every change of one thing: [name, number of the line, what stands there instead].
my (@changes, $section);
for my $at (0 .. $#lines) {
    my $line = $lines[$at];
    $section = $1 if $line =~ /^(\[.*\])$/;
    my ($key, $equals, $value) = $line =~ /^([\w.-]+)(\s*\+?=\s*)(.*)$/ or next;
    next unless $section =~ /^\[(?:category|purpose|role|recipient) /;
    if ($key =~ /^retention/) {
        my $longer = $value =~ s/\b(\d+)(?=[ymwd] )/$1 + 1/ger;
        push @changes, ["$section $key", $at, "$key$equals$longer"];
    } elsif ($key =~ /^(?:incident|store|caseload|despite-restriction)$/) {
        push @changes, ["$section $key", $at, ''];
    } elsif ($key =~ /^(?:fields|purposes|kinds|mask|own|drop|special|roles)$/) {
        my @items = split /\s*,\s*/, $value;
        for my $gone (@items) {
            my $left = join ', ', grep { $_ ne $gone } @items;
            push @changes, ["$section $key: $gone", $at, $left ? "$key$equals$left" : ''];
        }
    }
}
cmp_ok(scalar @changes, '>', 400, scalar(@changes) . ' changes');

my (@unnoticed, $refused);
for my $change (@changes) {
    my ($name, $at, $instead) = @$change;
    my @text = @lines;
    $text[$at] = $instead;
    write_file("$dir/changed.ini", join "\n", @text, '');
    my ($status, $out, $err) = run({}, $dossier, '-p', "$dir/changed.ini", 'policy', 'test', '--failures', 'examples/woningcorporatie.test');
    push @unnoticed, $name if $status == 0;
    $refused++ if $out !~ /expectations/;
}
is_deeply([sort @unnoticed], [sort keys %unseen], 'the expectations notice each of them, but these');
cmp_ok($refused, '<', @changes / 10, "all but $refused load, so that it is the expectations that notice");
done_testing;
