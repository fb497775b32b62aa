# What the log costs and answers at a size: entries durable a second, bytes, verification, the index, questions, exports. Nothing is
# mounted; the entries are written through the log's own functions (entries.c), which also compares answers with what was written.
package Bench::Log;
use strict;
use warnings;

use Bench::Process;
use Bench::Stage;

use constant {STORE => 'logged', NOT_ANCHORED => 5, AT_ONCE => 64};

# The row, its title, by what its value is multiplied, how it is written, and its goal: at most, or, if it is negative, at least.
our @ROWS = (
    ['log-single',    'entries a second, each waited for',            1,    '%.0f'],
    ['log-rounds',    '  in rounds of ' . AT_ONCE . ' that wait',     1,    '%.0f', -100_000],
    ['log-freely',    '  as fast as the log takes them',              1,    '%.0f', -100_000],
    ['log-bytes-1',   'bytes an entry, each waited for',              1,    '%.0f', 300],
    ['log-index-1',   '  of that the index',                          1,    '%.0f'],
    ['log-bytes-64',  'bytes an entry, in rounds of ' . AT_ONCE,      1,    '%.0f', 300],
    ['log-index-64',  '  of that the index',                          1,    '%.0f'],
    ['log-verify',    's to verify all',                              1e-9, '%.2f', 5],
    ['log-peak-few',  'MiB at most, verifying a tenth',               1 / 1048576, '%.1f'],
    ['log-peak-all',  '  verifying all',                              1 / 1048576, '%.1f'],
    ['log-reindex',   's to rebuild the index, and answer',           1e-9, '%.2f', 10],
    ['log-question',  'ms to find who saw a dossier',                 1e-6, '%.2f', 100],
    ['log-who-saw',   '  the command who-saw, from start to end',     1e-6, '%.0f'],
    ['log-start',     '  of which any question to the log takes',     1e-6, '%.0f'],
    ['log-export',    's to export all to LDV',                       1e-9, '%.2f', 20],
);

# scale: {dossiers, rounds, entries}
sub measure {
    my ($stage, $scale, $results, $told) = @_;
    my ($csv, @codes) = $stage->write_csv($scale->{dossiers});
    run('cp', "$stage->{build}/tests/entries", Bench::Stage::POLICY, $stage->{work});
    write_file($stage->at('entries.key'), read_file($stage->at('key')));
    chown Bench::Stage::OWNER, Bench::Stage::OWNER, $stage->at('entries.key') or die "bench: chown: $!\n";
    for my $round (1 .. $scale->{rounds}) {
        $told->("log, round $round of $scale->{rounds}");
        my $add = sub {
            my ($row, $value, $unit) = @_;
            $results->add(row => $row, clients => 1, system => 'dossierfs', round => $round, value => $value, unit => $unit);
        };
        $stage->make_store(STORE);
        $stage->import_csv(STORE, $csv);
        fill($stage, $scale, $add);
        ask($stage, $codes[$round % @codes], $add);
        $stage->remove(STORE);
    }
    return;
}

# Some one by one, a tenth in rounds, the rest freely. Up to three entries of the opening, in between, are counted as bytes of the others.
sub fill {
    my ($stage, $scale, $add) = @_;
    my $all = $scale->{entries};
    my @parts = (['single', 1, int($all / 500) || 1], ['rounds', AT_ONCE, int $all / 10], ['freely', 0, 0]);
    my $from = 0;
    for my $part (@parts) {
        my ($name, $at_once, $count) = @$part;
        $count ||= $all - $from;
        my $before = $stage->store_bytes(STORE);
        my ($rate, $question) = split ' ', capture('setpriv', '--reuid', Bench::Stage::OWNER, '--regid', Bench::Stage::OWNER, '--clear-groups',
            $stage->at('entries'), $stage->at(STORE), $stage->at('woningcorporatie.ini'), $stage->at('entries.key'), $from, $count, $at_once);
        my $after = $stage->store_bytes(STORE);
        $add->("log-$name", $rate, 'entries/s');
        my %bytes = map { $_ => ($after->{$_} - $before->{$_}) / $count } qw(segments index);
        $add->("log-bytes-$at_once", $bytes{segments} + $bytes{index}, 'bytes/entry') if $at_once;
        $add->("log-index-$at_once", $bytes{index}, 'bytes/entry') if $at_once;
        $add->('log-peak-few', (peak($stage, NOT_ANCHORED, 'verify'))[1], 'bytes') if $name eq 'rounds';
        $add->('log-question', $question, 'ns') if $name eq 'freely';
        $from += $count;
    }
    return;
}

sub ask {
    my ($stage, $code, $add) = @_;
    my ($verify, $peak) = peak($stage, NOT_ANCHORED, 'verify');
    $add->('log-verify', $verify, 'ns');
    $add->('log-peak-all', $peak, 'bytes');
    $add->('log-export', (peak($stage, 0, 'export', '--format', 'ldv'))[0], 'ns');
    unlink glob($stage->at(STORE, 'log') . '/index.db*');
    $add->('log-reindex', (peak($stage, 0, 'show', '--limit', 1))[0], 'ns');
    $add->('log-start', (peak($stage, 0, 'show', '--limit', 1))[0], 'ns');
    $add->('log-who-saw', (peak($stage, 0, 'who-saw', $code))[0], 'ns');
    return;
}

# Nanoseconds and bytes of `dossier log`, which has to end with that status; what it says besides is not looked at.
sub peak {
    my ($stage, $status, @words) = @_;
    my @command = ("$stage->{build}/dossier", '-s', $stage->at(STORE));
    push @command, '-p', Bench::Stage::POLICY, '--key-file', $stage->at('key'), '--control', $stage->at('none') if $words[0] ne 'verify';
    return split ' ', capture('sh', '-c', 'exec "$@" 2>/dev/null', 'sh', "$stage->{build}/tests/peak", $status, @command, 'log', @words);
}

1;
