#!/usr/bin/perl
# Goal: make install puts everything under DESTDIR and prefix where it is found, and uninstall takes all of it away again.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Find;
use File::Temp qw(tempdir);
use Test::More;

my $build = abs_path($ENV{BUILD} // 'build');
plan skip_all => 'the programs are not built' unless $build && -x "$build/dossierfs" && -x "$build/dossier";
plan tests => 15;

my $root = tempdir(CLEANUP => 1);
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
my @make = ('make', '-s', '-o', 'all', "BUILD=$build", "DESTDIR=$root", 'prefix=/opt/place');
is(system(@make, 'install'), 0, 'make install');
my $at = "$root/opt/place";
ok(-x "$at/sbin/dossierfs", 'the daemon is in sbin');
ok(-x "$at/bin/dossier", 'the command is in bin');
ok(-x "$at/bin/dossier-check-proof", 'so is what checks its proofs');
is(readlink "$at/bin/dossierfs", '../sbin/dossierfs', 'and the daemon is found in bin, by a link that survives a move');
ok(-f "$at/share/man/$_", $_) for qw(man1/dossier.1 man1/dossier-check-proof.1 man8/dossierfs.8 man5/dossier-policy.5
                                         man5/dossier-policy-test.5);
ok(-f "$at/share/doc/dossierfs/$_", $_) for qw(LICENSE CHANGELOG.md);
my @missing = grep { !-e "$at/share/doc/dossierfs/$_" } glob 'examples/*';
is("@missing", '', 'all examples');

is(system(@make, 'uninstall'), 0, 'make uninstall');
my @left;
find({no_chdir => 1, wanted => sub { push @left, $_ unless -d && !-l }}, $root);
is("@left", '', 'no file stays');
