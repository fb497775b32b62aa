# What grows with the number of dossiers, or must not: imports, mounts, memory, bytes on disk, and the time of an open.
package Bench::Sizes;
use strict;
use warnings;
use List::Util qw(min);

use Bench::Rows;
use Bench::Stage;

my @FIELDS = qw(rekeningnummer.txt achternaam.txt);

sub store_of { return "size-$_[0]" }

sub modes {
    my ($stage) = @_;
    return (['dossierfs', 'power'], $stage->{can_crash} ? ['dossierfs-crash', 'crash'] : ());
}

# Imports into a new store, several times where that is quick; the last one stays. scale: {sizes, imports: {size => times}}.
sub import_all {
    my ($stage, $scale, $results, $told) = @_;
    $stage->make_store(store_of(0));
    for my $size (@{$scale->{sizes}}) {
        my ($csv, @codes) = $stage->write_csv($size);
        write_lists($stage, $scale, $size, @codes);
        for my $round (1 .. $scale->{imports}{$size}) {
            $told->("import of $size dossiers, $round of $scale->{imports}{$size}");
            $stage->remove(store_of($size));
            $stage->make_store(store_of($size));
            my $took_s = $stage->import_csv(store_of($size), $csv);
            $results->add(row => 'import', clients => 1, dossiers => $size, system => 'dossierfs', round => $round,
                value => $size / $took_s, unit => 'dossiers/s');
        }
        $stage->remove("tenants-$size.csv");
        add_bytes($stage, $results, $size);
    }
    Bench::Rows::run_sync();
    return;
}

# Beyond what an empty store has.
sub add_bytes {
    my ($stage, $results, $size) = @_;
    my ($empty, $full) = map { $stage->store_bytes(store_of($_)) } 0, $size;
    for my $which (qw(records segments index)) {
        $results->add(row => "bytes-$which", clients => 1, dossiers => $size, system => 'dossierfs', round => 1,
            value => ($full->{$which} - $empty->{$which}) / $size, unit => 'bytes/dossier');
    }
    return;
}

# The same number of opens at each size: of as many dossiers, spread over all of them, and of some that are the same in
# number, so that what the number of dossiers costs can be told from what cold pages cost.
sub write_lists {
    my ($stage, $scale, $size, @codes) = @_;
    my %count = (spread => min($scale->{size_opens}, $size), fixed => min($scale->{some}, $size));
    srand 2;
    for my $which (sort keys %count) {
        my @order = map { $_->[0] } sort { $a->[1] <=> $b->[1] } map { [$_, rand] } 0 .. $count{$which} - 1;
        my @picked = map { $codes[int(($_ + rand) * $size / $count{$which})] } @order;
        for my $mode (modes($stage)) {
            my @files = $which eq 'spread' ? map { "$_/$FIELDS[0]" } @picked
                                           : map { my $field = $_; map { "$_/$field" } @picked } @FIELDS;
            $stage->write_list("$mode->[0].$which-$size", $mode->[0], @files);
        }
    }
    return;
}

sub measure {
    my ($stage, $scale, $results, $told) = @_;
    my @turn = map { my $size = $_; map { [$size, @$_] } modes($stage) } @{$scale->{sizes}};
    my $base = measure_base($stage);
    $stage->warm(store_of($_)) for @{$scale->{sizes}};
    for my $round (1 .. $scale->{size_rounds}) {
        $told->("sizes, round $round of $scale->{size_rounds}");
        Bench::Rows::measure_flushes($stage, $scale, $results, "s$round");
        measure_one($stage, $scale, $results, $round, $base, @$_) for @turn;
        push @turn, shift @turn;
    }
    return;
}

# What a daemon needs with no dossiers at all.
sub measure_base {
    my ($stage) = @_;
    my $mount = $stage->mount_store(store_of(0), 'dossierfs', 'power');
    my $base = Bench::Stage::memory_of($mount->{daemon});
    $stage->unmount('dossierfs');
    return $base;
}

sub measure_one {
    my ($stage, $scale, $results, $round, $base, $size, $system, $durability) = @_;
    my $before = $stage->store_bytes(store_of($size));
    my $mount = $stage->mount_store(store_of($size), $system, $durability);
    my @sample = (clients => 1, dossiers => $size, system => $system, round => $round);
    $results->add(@sample, row => 'mount', value => $mount->{ms}, unit => 'ms');
    my $memory = Bench::Stage::memory_of($mount->{daemon});
    $results->add(@sample, row => "memory-$_", value => ($memory->{$_} - $base->{$_}) / $size, unit => 'bytes/dossier')
        for qw(own rss);
    my $opens = measure_opens($stage, $scale, $results, @sample);
    $stage->unmount($system);
    my $after = $stage->store_bytes(store_of($size));
    $results->add(@sample, row => "log-$_", value => ($after->{$_} - $before->{$_}) / $opens, unit => 'bytes/open')
        for $durability eq 'power' ? qw(segments index) : ();
    return;
}

# How many there were in all.
sub measure_opens {
    my ($stage, $scale, $results, %sample) = @_;
    my $count = $scale->{size_opens};
    for my $which (qw(fixed spread)) {
        my $list = $stage->at("$sample{system}.$which-$sample{dossiers}");
        $stage->act($list, 'open', 1, $count) if $which eq 'fixed'; # a mount begins cold; spread is all first opens
        my $answer = $stage->act($list, 'open', 1, $count);
        $results->add(%sample, row => "open-$which", value => $answer->{wall}, unit => 'ns', median_ns => $answer->{median},
            p99_ns => $answer->{p99});
    }
    return 3 * $count;
}

1;
