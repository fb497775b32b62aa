# The results as text for people, at most 120 columns wide.
package Bench::Report;
use strict;
use warnings;
use Exporter 'import';

use Bench::Statistics;

our @EXPORT = qw(print_rows print_sizes print_flushes print_policy print_noise print_reload print_log);

my %titles = ('dossierfs-crash' => 'dossierfs, crash', floor => 'floor (libfuse)');

sub title_of { return $titles{$_[0]} // $_[0] }

# The figure and its spread, or blanks.
sub spread {
    my ($format, @values) = @_;
    return @values ? sprintf("$format (%s)", median(@values), sprintf($format, iqr(@values)) =~ s/^\s+//r) : '';
}

# A negative one is the least, not the most.
sub verdict {
    my ($value, $max, $unit) = @_;
    return sprintf '>= %d%s %s', -$max, $unit // '', $value >= -$max ? 'met' : 'MISSED' if $max < 0;
    return sprintf '<= %g%s %s', $max, $unit // '', $value <= $max ? 'met' : 'MISSED';
}

# ---- rows -------------------------------------------------------------------------------------------------------

# plain: the type of the plain file system
sub print_rows {
    my ($results, $dossiers, $systems, $plain, @rows) = @_;
    local $titles{plain} = $plain;
    printf "\n%-46s %18s   %-13s %-14s %-13s %s\n", 'medians over the rounds (interquartile range)', 'us each', 'x gocryptfs',
        'goal', 'x floor', 'goal';
    for my $row (@rows) {
        for my $clients (@{$row->{clients}}) {
            print "\n$row->{title}", @{$row->{clients}} > 1 ? ", $clients client" . ($clients > 1 ? 's' : '') : '', "\n";
            print_system($results, $row, $clients, $dossiers, $_) for @$systems;
        }
    }
    return;
}

sub print_system {
    my ($results, $row, $clients, $dossiers, $system) = @_;
    my @ns = $results->figures($row->{name}, $clients, $dossiers, $system);
    my @cells = map { ratio_cells($results, $row, $clients, $dossiers, $system, $_) } qw(gocryptfs floor);
    print sprintf("  %-44s %18s   %-13s %-14s %-13s %s", title_of($system), spread(@ns && median(@ns) < 1e7 ? '%.1f' : '%.0f', map { $_ / 1000 } @ns), @cells)
        =~ s/\s+\z//r, "\n";
    return;
}

sub ratio_cells {
    my ($results, $row, $clients, $dossiers, $system, $peer) = @_;
    my @ratios = $results->ratios($row->{name}, $clients, $dossiers, $system, $peer);
    my ($goal) = grep { $_->[0] == $clients && $_->[1] eq $system && $_->[2] eq $peer } @{$row->{goals}};
    return (spread(@ratios && median(@ratios) < 0.1 ? '%.3f' : '%.2f', @ratios),
        $goal && @ratios ? verdict(median(@ratios), $goal->[3]) : '');
}

# ---- the disk ---------------------------------------------------------------------------------------------------

sub print_flushes {
    my ($results, $dossiers) = @_;
    my %ways = (append => 'append, fdatasync', 'in-place' => 'in place, fdatasync', direct => 'in place, direct', nothing => 'nothing');
    return unless grep { $results->figures('flush', 1, undef, $_) } keys %ways;
    print "\nwhat a flush of this disk costs, at the start of each round\n";
    for my $way (qw(append in-place direct nothing)) {
        my @us = map { $_ / 1000 } $results->figures('flush', 1, undef, $way) or next;
        printf "  %-44s %18s   from %.1f to %.1f\n", $ways{$way}, spread('%.1f', @us), quantile(0, @us), quantile(1, @us);
    }
    my %flush = map { $_ => median($results->figures('flush', 1, undef, $_)) } qw(in-place direct);
    my ($least) = sort { $a <=> $b } grep { defined } values %flush;
    my $open = median($results->figures('open', 1, $dossiers, 'dossierfs'));
    printf "  the cheapest way in place takes %.0f%% of an open by one client\n", 100 * $least / $open if $least && $open;
    return;
}

# ---- the policy -------------------------------------------------------------------------------------------------

# rows: as in Bench::Policy
sub print_policy { return print_list($_[0], 'the policy', @_[1 .. $#_]) }

# rows: as in Bench::Log
sub print_log {
    my ($results, $entries, @rows) = @_;
    return print_list($results, "the log, of $entries entries", @rows);
}

sub print_list {
    my ($results, $title_of_all, @rows) = @_;
    printf "\n%-46s %18s   %s\n", $title_of_all, 'median', 'goal';
    for my $row (@rows) {
        my ($name, $title, $factor, $format, $goal) = @$row;
        my @values = map { $_ * $factor } $results->figures($name, 1, undef, 'dossierfs') or next;
        print sprintf('  %-44s %18s   %s', $title, spread($format, @values), $goal ? verdict(median(@values), $goal) : '') =~ s/\s+\z//r, "\n";
    }
    return;
}

# ---- noise ------------------------------------------------------------------------------------------------------

my %ways = (plain => 'that ask elsewhere', same => 'that ask for one code each', other => 'that ask for any code');

sub print_noise {
    my ($results) = @_;
    printf "\n%-46s %18s   %-13s %-16s %s\n", 'an open by one client, beside processes', 'us each', 'x alone', 'refusals a second', 'goal';
    my @alone = $results->figures('noise', 0, undef, 'alone') or return;
    printf "  %-44s %18s\n", 'alone', spread('%.1f', map { $_ / 1000 } @alone);
    for my $crowd (@Bench::Noise::CROWDS) {
        for my $way (@Bench::Noise::WAYS) {
            my @ratios = ratios($results->series('noise', $crowd, undef, $way), $results->series('noise', 0, undef, 'alone')) or next;
            print sprintf('  %-44s %18s   %-13s %-16s %s', "$crowd $ways{$way}",
                spread('%.1f', map { $_ / 1000 } $results->figures('noise', $crowd, undef, $way)), spread('%.2f', @ratios),
                sprintf('%.0f', median($results->figures('refusals', $crowd, undef, $way))), $way eq 'plain' ? '' : verdict(median(@ratios), 2))
                =~ s/\s+\z//r, "\n";
        }
    }
    return;
}

# ---- reload -----------------------------------------------------------------------------------------------------

my %changes = (none => 'no other policy', rights => 'policies that change rights', anew => 'policies for which all dossiers are read anew');

sub print_reload {
    my ($results) = @_;
    printf "\n%-52s %12s %16s %16s   %s\n", 'opens by four clients, crash-durable, beside', 'ms: median', '99 %', 'the longest', 'goal';
    for my $way (@Bench::Reload::WAYS) {
        my @worst = map { $_ / 1e6 } $results->figures('reload-worst', 4, undef, $way) or next;
        my @cells = map { spread('%.2f', map { $_ / 1e6 } $results->figures("reload-$_", 4, undef, $way)) } qw(median p99 worst);
        print sprintf('  %-50s %12s %16s %16s   %s', $changes{$way}, @cells, $way eq 'none' ? '' : verdict(median(@worst), 20, ' ms')) =~ s/\s+\z//r, "\n";
        my @force = map { $_ / 1e6 } $results->figures('reload-force', 4, undef, $way) or next;
        printf "    ms from the new file to in force, at the longest %s; %.0f policies a round\n", spread('%.0f', @force),
            median($results->figures('reload-count', 4, undef, $way));
    }
    return;
}

# ---- sizes ------------------------------------------------------------------------------------------------------

my %limits = (
    mount        => {100_000 => [500], 1_000_000 => [5000]},
    'memory-own' => {100_000 => [150], 1_000_000 => [150]},
);
my @size_rows = (
    ['open-spread', 'dossierfs',       'us per open, each of another dossier',   0.001, '%.1f'],
    ['open-spread', 'dossierfs-crash', '  the same, crash-durable',              0.001, '%.1f'],
    ['open-fixed',  'dossierfs',       'us per open, the same dossiers',         0.001, '%.1f'],
    ['open-fixed',  'dossierfs-crash', '  the same, crash-durable',              0.001, '%.1f'],
    ['mount',       'dossierfs',       'ms from start to first answer',          1,     '%.0f'],
    ['mount',       'dossierfs-crash', '  the same, crash-durable',              1,     '%.0f'],
    ['memory-own',  'dossierfs',       'memory, bytes a dossier: its own',       1,     '%.0f'],
    ['memory-rss',  'dossierfs',       '  with pages of the store (Rss)',        1,     '%.0f'],
    ['import',      'dossierfs',       'dossiers imported a second',             1,     '%.0f'],
    ['bytes-records', 'dossierfs',     'store, bytes a dossier',                 1,     '%.0f'],
    ['bytes-segments', 'dossierfs',    'log of the import, bytes a dossier',     1,     '%.0f'],
    ['bytes-index', 'dossierfs',       '  and its index',                        1,     '%.0f'],
    ['log-segments', 'dossierfs',      'log, bytes per open by one client',      1,     '%.0f'],
    ['log-index',   'dossierfs',       '  and its index',                        1,     '%.0f'],
);

sub print_sizes {
    my ($results, @sizes) = @_;
    printf "\n%-36s" . ' %16s' x @sizes . "   goals\n", 'dossiers', @sizes;
    for my $row (@size_rows) {
        my ($name, $system, $title, $factor, $format) = @$row;
        my @cells = map { spread($format, map { $_ * $factor } $results->figures($name, 1, $_, $system)) } @sizes;
        next unless grep { length } @cells;
        print sprintf('  %-34s' . ' %16s' x @sizes . '   %s', $title, @cells, size_goals($results, $name, $system, @sizes))
            =~ s/\s+\z//r, "\n";
    }
    return;
}

sub size_goals {
    my ($results, $name, $system, @sizes) = @_;
    my %median = map { $_ => median($results->figures($name, 1, $_, $system)) } @sizes;
    return growth($results, $name, $system) if $name =~ /^open-/;
    return import_goals(\%median, @sizes) if $name eq 'import';
    return '' if $system ne 'dossierfs';
    return join ', ', map { verdict($median{$_}, $limits{$name}{$_}[0]) } grep { $limits{$name}{$_} && defined $median{$_} } @sizes;
}

# At a million, times that at ten thousand.
sub growth {
    my ($results, $name, $system) = @_;
    my ($small, $large) = map { $results->series($name, 1, $_, $system) } 10_000, 1_000_000;
    my @ratios = ratios($large, $small) or return '';
    return sprintf '%.2f x, %s', median(@ratios), verdict(median(@ratios), 1.15);
}

sub import_goals {
    my ($rate, @sizes) = @_;
    my @told = map { sprintf '>= 20000 %s', $rate->{$_} >= 20000 ? 'met' : 'MISSED' }
        grep { $_ >= 100_000 && defined $rate->{$_} } $sizes[-1];
    push @told, sprintf('linear %s', $rate->{1_000_000} >= 0.8 * $rate->{100_000} ? 'met' : 'MISSED')
        if $rate->{1_000_000} && $rate->{100_000};
    return join ', ', @told;
}

1;
