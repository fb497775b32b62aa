# The rows that are measured side by side: the same files, the same clients, every system in turn.
package Bench::Rows;
use strict;
use warnings;
use List::Util qw(min shuffle);

use Bench::Stage;

my @FIELDS = qw(rekeningnummer.txt achternaam.txt); # that are opened and asked for
my @SCANNED = qw(achternaam.txt huur.txt rekeningnummer.txt);

# group: what --only calls it. count: how many times the action is done in one measurement, over all its clients, by one
# client and by several; of: what LIST has (files and dossiers: of some dossiers; purpose: the directory of all).
# goals: [clients, system, peer, times the peer at most]; big: it holds for 10,000 dossiers and isn't told for fewer.
my @rows = (
    {group => 'opens', name => 'open', title => 'open, read, close of a field', of => 'files', clients => [1, 2, 4, 8, 16],
        count => [4000, 8000],
        goals => [[1, 'dossierfs', 'gocryptfs', 1.0], [1, 'dossierfs-crash', 'gocryptfs', 0.5], [8, 'dossierfs', 'gocryptfs', 0.6],
            [1, 'dossierfs-crash', 'floor', 1.3]]},
    {group => 'opens', name => 'cat', title => 'open, fstat, read, read, close (cat)', of => 'files', clients => [1],
        count => [4000]},
    {group => 'stat', name => 'stat', title => 'stat of a field', of => 'files', clients => [1, 2, 4, 8, 16],
        count => [8000, 8000]},
    {group => 'listing', name => 'list', title => 'list a dossier', of => 'dossiers', clients => [1], count => [2000]},
    {group => 'listing', name => 'ls', title => 'ls -l of a dossier', of => 'dossiers', clients => [1], count => [500],
        goals => [[1, 'dossierfs', 'gocryptfs', 2.0]]},
    {group => 'listing', name => 'list-all', action => 'list', title => 'list all %d dossiers', of => 'purpose',
        clients => [1], count => [10], goals => [[1, 'dossierfs', 'gocryptfs', 0.1, 'big']]},
    {group => 'scan', name => 'scan', title => 'scan: 3 fields of each of %d dossiers', of => 'purpose', clients => [1],
        count => [1], fields => \@SCANNED},
);

# Those of the groups, with the numbers of clients and counts of this run. scale: {dossiers, divide, clients}.
sub chosen {
    my ($scale, %groups) = @_;
    my @chosen;
    for my $row (grep { $groups{$_->{group}} } @rows) {
        my %copy = (action => $row->{name}, fields => [], goals => [], %$row);
        $copy{title} = $row->{title} =~ s/%d/$scale->{dossiers}/r;
        $copy{clients} = [grep { my $n = $_; grep { $_ == $n } @{$scale->{clients}} } @{$row->{clients}}];
        $copy{count} = [map { my $count = int $_ / $scale->{divide}; $count < 1 ? 1 : $count } @{$row->{count}}];
        $copy{goals} = [grep { !$_->[4] || $scale->{dossiers} >= 10000 } @{$copy{goals}}];
        push @chosen, \%copy;
    }
    return @chosen;
}

sub systems {
    my ($stage) = @_;
    return ('dossierfs', $stage->{can_crash} ? 'dossierfs-crash' : (), 'floor', 'gocryptfs', 'plain');
}

# A store, mounted as each durability, and the same files for the peers.
sub set_up {
    my ($stage, $scale) = @_;
    my ($csv, @codes) = $stage->write_csv($scale->{dossiers});
    $stage->make_store('store');
    $stage->import_csv('store', $csv);
    $stage->remove("tenants-$scale->{dossiers}.csv");
    $stage->copy_store('store', 'store-crash') if $stage->{can_crash};
    $stage->mount_store('store', 'dossierfs', 'power');
    $stage->mount_store('store-crash', 'dossierfs-crash', 'crash') if $stage->{can_crash};
    $stage->make_gocryptfs;
    $stage->mount_gocryptfs;
    my $files = $stage->copy_files($stage->{can_crash} ? 'dossierfs-crash' : 'dossierfs', @codes);
    $stage->unmount('gocryptfs');
    $stage->mount_gocryptfs('-allow_other');
    $stage->mount_floor;
    write_lists($stage, $scale, @codes);
    run_sync(); # what was just written is not to reach the disk while something else is measured
    return $files;
}

sub run_sync { return system 'sync' }

# One order for all systems, in which neighbours are no neighbours on the disk; some dossiers only, so that each is met
# several times.
sub write_lists {
    my ($stage, $scale, @codes) = @_;
    my $some = min($scale->{some}, scalar @codes);
    srand 1;
    my @some = shuffle(map { $codes[int $_ * @codes / $some] } 0 .. $some - 1);
    my @files = shuffle(map { my $code = $_; map { "$code/$_" } @FIELDS } @some);
    for my $system (systems($stage)) {
        $stage->write_list("$system.files", $system, @files);
        $stage->write_list("$system.dossiers", $system, @some);
        $stage->write_list("$system.purpose", $system, '');
    }
    return;
}

# In each round every system has its turn with every row; who begins changes, so that a slow moment of the machine falls on
# all of them. Round 0 warms up and is not counted.
sub measure {
    my ($stage, $scale, $results, $told, @chosen) = @_;
    my @turn = systems($stage);
    for my $round (0 .. $scale->{rounds}) {
        $told->("round $round of $scale->{rounds}");
        measure_flushes($stage, $scale, $results, $round) if $round;
        for my $row (@chosen) {
            measure_row($stage, $scale, $results, $round, $row, $_, @turn) for @{$row->{clients}};
        }
        push @turn, shift @turn;
    }
    return;
}

sub measure_row {
    my ($stage, $scale, $results, $round, $row, $clients, @turn) = @_;
    my $count = int $row->{count}[$clients > 1 ? 1 : 0] / $clients;
    my %seen;
    for my $system (@turn) {
        my $answer = $stage->act($stage->at("$system.$row->{of}"), $row->{action}, $clients, $count < 1 ? 1 : $count,
            @{$row->{fields}});
        push @{$seen{$answer->{seen}}}, $system;
        next unless $round;
        $results->add(row => $row->{name}, clients => $clients, dossiers => $scale->{dossiers}, system => $system,
            round => $round, value => $answer->{wall}, unit => 'ns', median_ns => $answer->{median}, p99_ns => $answer->{p99});
    }
    die "bench: $row->{title}: the systems do not show the same: ", join('; ', map { "$_ by @{$seen{$_}}" } sort keys %seen), "\n"
        if keys %seen > 1;
    return;
}

sub measure_flushes {
    my ($stage, $scale, $results, $round) = @_;
    my %ns;
    @ns{qw(append in-place direct nothing)} = $stage->flushes($scale->{flushes});
    $results->add(row => 'flush', clients => 1, system => $_, round => $round, value => $ns{$_}, unit => 'ns')
        for grep { $ns{$_} } sort keys %ns; # 0: the file system can't
    return;
}

sub take_down {
    my ($stage) = @_;
    $stage->unmount($_) for reverse systems($stage);
    $stage->remove(qw(plain cipher store store-crash tree));
    run_sync();
    return;
}

1;
