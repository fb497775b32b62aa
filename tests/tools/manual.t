#!/usr/bin/perl
# Goal: the manuals and --help name the same options, in both directions; what one says and the other doesn't is a fault.
use strict;
use warnings;
use FindBin;
use Test::More;

my $root = "$FindBin::Bin/../..";
my $build = $ENV{BUILD} // 'build';
$build = "$root/$build" unless $build =~ m{^/};

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or die "$path: $!";
    local $/;
    return <$file>;
}

# Long options at the beginning of a line of --help.
sub of_help {
    my ($text) = @_;
    my %options;
    $options{$1}++ while $text =~ /^\s+(?:-\w,\s+)?--([a-z][a-z-]*)/mg;
    return \%options;
}

# Long options that have an item of their own in a piece of mdoc.
sub of_manual {
    my ($text) = @_;
    my %options;
    for my $item ($text =~ /^\.It (.*)$/mg) {
        $options{$1}++ while $item =~ /Fl -([a-z][a-z-]*)/g;
    }
    return \%options;
}

sub same {
    my ($help, $manual, $name) = @_;
    is_deeply([sort keys %$manual], [sort keys %$help], "$name: the manual has the options of --help, and no others");
}

my $dossier = "$build/dossier";
plan skip_all => "there is no $dossier" unless -x $dossier;

my $manual = slurp("$root/tools/dossier.1");
my %sections;
$sections{$1} = $2 while $manual =~ /^\.Ss (.+?)\n(.*?)(?=^\.S[sh] )/msg;

my $help = `$dossier --help`;
is($?, 0, 'dossier --help exits 0');
same(of_help($help), of_manual($sections{'Options of every command'}), 'dossier');

my ($list) = $help =~ /^commands:\n(.*?)\n\n/ms;
my @commands = grep { !/^help/ } $list =~ /^  (\S+(?: \S+)?)  /mg;
cmp_ok(scalar @commands, '>=', 6, 'the commands are listed');
for my $command (@commands) {
    my $text = `$dossier $command --help`;
    is($?, 0, "dossier $command --help exits 0");
    is(`$dossier help $command`, $text, "dossier help $command says the same");
    ok(exists $sections{$command}, "the manual has a section on $command") or next;
    same(of_help($text), of_manual($sections{$command}), $command);
}
my %known = map { $_ => 1 } @commands, 'Options of every command', 'Times';
is_deeply([grep { !$known{$_} } sort keys %sections], [], 'the manual has no section on a command that is not there');

SKIP: {
    my ($daemon, $page) = ("$build/dossierfs", "$root/fs/dossierfs.8");
    skip "there is no $daemon", 1 unless -x $daemon;
    skip "there is no $page", 1 unless -e $page;
    same(of_help(scalar `$daemon --help`), of_manual(slurp($page)), 'dossierfs');
}

my $proof = `$build/dossier-check-proof --help`;
is($?, 0, 'dossier-check-proof --help exits 0');
same(of_help($proof), of_manual(slurp("$root/tools/dossier-check-proof.1")), 'dossier-check-proof');

SKIP: {
    skip 'mandoc is not installed', 1 if system('command -v mandoc >/dev/null') != 0;
    is(`mandoc -Tlint -W warning $root/tools/dossier.1`, '', 'mandoc finds nothing in dossier.1');
}

done_testing();
