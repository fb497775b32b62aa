# Figures of lists of numbers. A list that is empty has none: undef.
package Bench::Statistics;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(quantile median iqr ratios);

# The value below which the share `q` (0 to 1) of the values lies, between two of them in proportion.
sub quantile {
    my ($q, @values) = @_;
    return undef unless @values; ## no critic: a scalar is what callers want
    @values = sort { $a <=> $b } @values;
    my $at = $q * $#values;
    my $low = int $at;
    my $high = $low < $#values ? $low + 1 : $low;
    return $values[$low] + ($at - $low) * ($values[$high] - $values[$low]);
}

sub median { return quantile(0.5, @_) }

# Between the first and the third quartile.
sub iqr { return @_ ? quantile(0.75, @_) - quantile(0.25, @_) : undef }

# Two hashes from a round to its value: the ratios of the rounds that both have, in their order.
sub ratios {
    my ($of, $to) = @_;
    return map { $of->{$_} / $to->{$_} } sort { $a <=> $b } grep { $to->{$_} } keys %$of;
}

1;
