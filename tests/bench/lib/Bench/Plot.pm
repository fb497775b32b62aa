# The rows as a picture: each system's time, times that of gocryptfs, on a logarithmic scale. Bars begin at 1, where both are
# equally fast: to the left is faster.
package Bench::Plot;
use strict;
use warnings;
use List::Util qw(max min);

use Bench::Statistics;

use constant {WIDTH => 960, LEFT => 330, RIGHT => 90, TOP => 96, BAR => 12, GAP => 3, BETWEEN => 12, FOOT => 44};

my %looks = (
    'dossierfs'       => ['#1f5fa8', 'dossierfs, durable against power loss'],
    'dossierfs-crash' => ['#7fb2e5', 'dossierfs, durable against a crash'],
    'floor'           => ['#d98a00', 'bare libfuse server from memory'],
    'plain'           => ['#8a8a8a', 'plain file system'],
);

# The text of the SVG. Rows that were not measured are left out; '' if nothing was.
sub draw {
    my ($results, $dossiers, $when, @rows) = @_;
    my @groups = grep { @{$_->{bars}} } map { groups_of($results, $dossiers, $_) } @rows;
    return '' unless @groups;
    my @all = map { ($_->{low}, $_->{high}, $_->{goal} // 1) } map { @{$_->{bars}} } @groups;
    my $scale = {from => lower(min(@all, 0.5)), to => upper(max(@all, 2))};
    my ($y, @body) = (TOP);
    for my $group (@groups) {
        push @body, draw_group($scale, $group, $y);
        $y += @{$group->{bars}} * (BAR + GAP) + BETWEEN;
    }
    my $height = $y + FOOT;
    return join "\n", head($height, $when), legend(@groups), axis($scale, $y), @body, "</svg>\n";
}

sub groups_of {
    my ($results, $dossiers, $row) = @_;
    my @groups;
    for my $clients (@{$row->{clients}}) {
        my @bars;
        for my $system (qw(dossierfs dossierfs-crash floor plain)) {
            my @ratios = $results->ratios($row->{name}, $clients, $dossiers, $system, 'gocryptfs') or next;
            my ($goal) = grep { $_->[0] == $clients && $_->[1] eq $system && $_->[2] eq 'gocryptfs' } @{$row->{goals}};
            push @bars, {system => $system, at => median(@ratios), low => quantile(0.25, @ratios),
                high => quantile(0.75, @ratios), goal => $goal && $goal->[3]};
        }
        push @groups, {bars => \@bars, label => $row->{title} . (@{$row->{clients}} > 1 ? ", $clients client" . ($clients > 1 ? 's' : '') : '')};
    }
    return @groups;
}

# 1, 2 or 5 times a power of ten, below and above.
sub steps { return map { my $power = $_; map { $_ * 10**$power } 1, 2, 5 } -5 .. 4 }
sub lower { my ($value) = @_; return max(grep { $_ <= $value } steps()) // 1e-5 }
sub upper { my ($value) = @_; return min(grep { $_ >= $value } steps()) // 1e5 }

sub x_of {
    my ($scale, $value) = @_;
    my $share = (log($value) - log($scale->{from})) / (log($scale->{to}) - log($scale->{from}));
    return sprintf '%.1f', LEFT + $share * (WIDTH - LEFT - RIGHT);
}

sub escape {
    my ($text) = @_;
    my %entities = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');
    return $text =~ s/([&<>"])/$entities{$1}/gr;
}

sub head {
    my ($height, $when) = @_;
    return (
        qq(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 @{[WIDTH]} $height" width="@{[WIDTH]}" height="$height" ),
        qq(  role="img" font-family="sans-serif" font-size="12" fill="#222">),
        '<title>Time of dossierfs and others, times that of gocryptfs</title>',
        '<desc>' . escape("Medians of the rounds' ratios on a logarithmic scale, with the quartiles as whiskers; less is faster. $when")
            . '</desc>',
        qq(<rect width="@{[WIDTH]}" height="$height" fill="#fff"/>),
        qq(<text x="16" y="26" font-size="16" font-weight="bold">Time, times that of gocryptfs with the same files</text>),
        qq(<text x="16" y="44" fill="#666">) . escape("left of 1 is faster; whiskers: quartiles of the rounds; black mark: goal. $when")
            . '</text>',
    );
}

sub legend {
    my (@groups) = @_;
    my %used = map { $_->{system} => 1 } map { @{$_->{bars}} } @groups;
    my ($x, @parts) = (16);
    for my $system (grep { $used{$_} } qw(dossierfs dossierfs-crash floor plain)) {
        my ($colour, $title) = @{$looks{$system}};
        push @parts, qq(<rect x="$x" y="58" width="12" height="12" fill="$colour"/><text x="@{[$x + 17]}" y="68">$title</text>);
        $x += 36 + 6.2 * length $title;
    }
    return @parts;
}

sub axis {
    my ($scale, $bottom) = @_;
    my @parts;
    for my $step (grep { $_ >= $scale->{from} * 0.999 && $_ <= $scale->{to} * 1.001 } steps()) {
        my $x = x_of($scale, $step);
        my $colour = $step == 1 ? '#222' : '#ddd';
        push @parts, qq(<line x1="$x" x2="$x" y1="@{[TOP - 8]}" y2="$bottom" stroke="$colour"/>),
            sprintf(qq(<text x="$x" y="%d" text-anchor="middle" fill="#666">%g</text>), $bottom + 16, $step);
    }
    return @parts;
}

sub draw_group {
    my ($scale, $group, $y) = @_;
    my $middle = $y + @{$group->{bars}} * (BAR + GAP) / 2 + 3;
    my @parts = (sprintf '<text x="%d" y="%.1f" text-anchor="end">%s</text>', LEFT - 12, $middle, escape($group->{label}));
    for my $bar (@{$group->{bars}}) {
        push @parts, draw_bar($scale, $bar, $y);
        $y += BAR + GAP;
    }
    return @parts;
}

sub draw_bar {
    my ($scale, $bar, $y) = @_;
    my ($one, $at, $low, $high) = map { x_of($scale, $_) } 1, @$bar{qw(at low high)};
    my ($from, $to) = $at < $one ? ($at, $one) : ($one, $at);
    my ($middle, $text_y) = ($y + BAR / 2, $y + BAR - 2);
    my ($colour, $title) = @{$looks{$bar->{system}}};
    my $figure = sprintf $bar->{at} < 0.1 ? '%.3f' : '%.2f', $bar->{at};
    # The figure stands where the bar ends; on the other side it would stand on the line.
    my ($text_x, $anchor) = $at < $one ? (min($from, $low) - 4, 'end') : (max($to, $high) + 4, 'start');
    ($text_x, $anchor) = ($one + 4, 'start') if $anchor eq 'end' && $text_x < LEFT + 28;
    my @parts = (
        sprintf('<rect x="%s" y="%s" width="%.1f" height="%d" fill="%s"><title>%s: %s</title></rect>', $from, $y, $to - $from, BAR,
            $colour, $title, $figure),
        qq(<path d="M$low ${middle}H${high}M$low @{[$middle - 3]}v6M$high @{[$middle - 3]}v6" stroke="#222" fill="none"/>),
        sprintf('<text x="%.1f" y="%s" text-anchor="%s" font-size="10">%s</text>', $text_x, $text_y, $anchor, $figure),
    );
    if ($bar->{goal}) {
        my $goal = x_of($scale, $bar->{goal});
        push @parts, qq(<rect x="@{[$goal - 1.5]}" y="@{[$y - 1]}" width="3" height="@{[BAR + 2]}" fill="#000"/>);
    }
    return @parts;
}

1;
