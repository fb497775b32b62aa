#!/usr/bin/perl
# The README names every source file of every room, once, in its room, and no file that isn't there; and shows
# examples/minimal.ini as it is.
use strict;
use warnings;
use Test::More;

open my $in, '<', 'README.md' or die "README.md: $!\n";
my $text = do { local $/; <$in> };
my ($layout) = $text =~ /^```\n(policy .*?)^```$/ms or die "README.md has no layout\n";
my (%named, $room);
for my $line (split /\n/, $layout) {
    if    ($line =~ /^(\S+)/)   { $room = $1 }
    elsif ($line =~ /^  (\S+)/) { $named{$room}{$1}++ }
}
for my $dir (qw(policy fs/base fs/store fs/log fs/gate fs/mount tools)) {
    my %there = map { (s{.*/}{}r =~ s/\.[ch]$//r) => 1 } glob "$dir/*";
    is_deeply([sort keys %{$named{$dir}}], [sort keys %there], "the files of $dir");
    is_deeply([grep { $named{$dir}{$_} > 1 } sort keys %{$named{$dir}}], [], "no file of $dir is named twice");
}
my $minimal = do { local (@ARGV, $/) = ('examples/minimal.ini'); <> };
my ($shown) = $text =~ /^```ini\n(.*?)^```$/ms;
is($shown, $minimal, 'the policy that it shows is examples/minimal.ini');
done_testing;
