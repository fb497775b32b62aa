#!/usr/bin/perl
# Goal: the bench's figures are right, wrong usage is refused before anything is measured, and a run gives every system's every
# row, a CSV and a picture, and leaves nothing behind.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use Test::More;

chdir dirname(File::Spec->rel2abs($0)) . '/../..' or die "chdir: $!\n";
use lib 'tests/bench/lib';
use Bench::Log;
use Bench::Plot;
use Bench::Policy;
use Bench::Report;
use Bench::Results;
use Bench::Statistics ();

my $build = abs_path($ENV{BUILD} // 'build');
my $dir = tempdir('dossierfs-test-XXXXXX', DIR => '/var/tmp', CLEANUP => 1);

# ---- figures --------------------------------------------------------------------------------------------------------

is(Bench::Statistics::median(7), 7, 'median of one');
is(Bench::Statistics::median(9, 1, 5), 5, '... of three');
is(Bench::Statistics::median(10, 9, 1, 2), 5.5, '... of four: between the two, and by number, not by text');
is(Bench::Statistics::quantile(0, 4, 2, 8), 2, 'the least');
is(Bench::Statistics::quantile(1, 4, 2, 8), 8, 'the most');
is(Bench::Statistics::quantile(0.25, 1 .. 5), 2, 'a quartile that is one of the values');
is(Bench::Statistics::quantile(0.25, 1 .. 4), 1.75, '... and one between two');
is(Bench::Statistics::iqr(1 .. 4), 1.5, 'the range between the quartiles');
is(Bench::Statistics::iqr(3), 0, '... of one value');
is(Bench::Statistics::median(), undef, 'nothing has no median');
is(Bench::Statistics::iqr(), undef, '... and no range');
is_deeply([Bench::Statistics::ratios({1 => 10, 2 => 30, 10 => 8}, {1 => 5, 2 => 10, 10 => 2})], [2, 3, 4],
    'ratios by round, in the order of the rounds');
is_deeply([Bench::Statistics::ratios({1 => 10, 3 => 5}, {1 => 5, 2 => 1})], [2], '... of the rounds that both have');
# The median of the ratios, not the ratio of the medians.
my %ours = (1 => 10, 2 => 20, 3 => 90);
my %theirs = (1 => 10, 2 => 40, 3 => 30);
is(Bench::Statistics::median(Bench::Statistics::ratios(\%ours, \%theirs)), 1, 'a slow round counts against both sides');

# ---- results and goals ------------------------------------------------------------------------------------------------

my $results = Bench::Results->new(undef);
my @sample = (row => 'open', clients => 1, dossiers => 10, unit => 'ns');
$results->add(@sample, system => 'dossierfs', round => $_, value => 1000 * $ours{$_}) for keys %ours;
$results->add(@sample, system => 'gocryptfs', round => $_, value => 1000 * $theirs{$_}) for keys %theirs;
is_deeply([sort { $a <=> $b } $results->figures('open', 1, 10, 'dossierfs')], [10000, 20000, 90000], 'a series');
is_deeply([$results->figures('open', 8, 10, 'dossierfs')], [], 'what was not measured is empty');
is_deeply([$results->ratios('open', 1, 10, 'dossierfs', 'gocryptfs')], [1, 0.5, 3], 'ratios of two systems');
my %row = (name => 'open', title => 'a <row> & more', clients => [1]);
my $met = said(sub { print_rows($results, 10, ['dossierfs', 'gocryptfs'], 'ext4', {%row, goals => [[1, 'dossierfs', 'gocryptfs', 1]]}) });
like($met, qr/^  dossierfs +20\.0 \(40\.0\) +1\.00 \(1\.25\) +<= 1 met$/m, 'a goal that is just met');
my $missed = said(sub { print_rows($results, 10, ['dossierfs'], 'ext4', {%row, goals => [[1, 'dossierfs', 'gocryptfs', 0.9]]}) });
like($missed, qr/<= 0\.9 MISSED$/m, '... and one that is missed');
for my $size ([10_000, 100], [100_000, 110], [1_000_000, 120]) {
    $results->add(row => 'open-fixed', clients => 1, dossiers => $size->[0], system => 'dossierfs', round => 1, value => 1000 * $size->[1]);
    $results->add(row => 'import', clients => 1, dossiers => $size->[0], system => 'dossierfs', round => 1, value => 25_000 - $size->[0] / 100);
    $results->add(row => 'mount', clients => 1, dossiers => $size->[0], system => 'dossierfs', round => 1, value => $size->[0] / 200);
}
my $sizes = said(sub { print_sizes($results, 10_000, 100_000, 1_000_000) });
like($sizes, qr/us per open, the same dossiers .*1\.20 x, <= 1\.15 MISSED$/m, 'opens that get slower with the number of dossiers');
like($sizes, qr/imported .* 15000 \(0\) +>= 20000 MISSED, linear MISSED$/m, 'imports that do');
like($sizes, qr/ms from start .*<= 500 met, <= 5000 met$/m, 'mounts');
is((grep { length > 120 } split /\n/, "$met$sizes"), 0, 'nothing is wider than 120 columns');
$results->add(row => 'decide-few', clients => 1, system => 'dossierfs', round => 1, value => 1000);
$results->add(row => 'policy-check', clients => 1, system => 'dossierfs', round => $_, value => 1e9 * $_) for 1, 2;
my $policy = said(sub { print_policy($results, @Bench::Policy::ROWS) });
like($policy, qr/^  ns a decision, .* 1000\.0 \(0\.0\) +<= 1000 met$/m, 'a decision that is just quick enough');
like($policy, qr/^  ms for dossier policy check, .* 1500\.0 \(500\.0\) +<= 1000 MISSED$/m, 'a command that is not');
unlike($policy, qr/register/, 'what was not measured is not there');
$results->add(row => 'log-rounds', clients => 1, system => 'dossierfs', round => 1, value => 99_999);
$results->add(row => 'log-freely', clients => 1, system => 'dossierfs', round => 1, value => 100_000);
my $log = said(sub { Bench::Report::print_log($results, 1000, @Bench::Log::ROWS) });
like($log, qr/^  +in rounds of 64 .* 99999 \(0\) +>= 100000 MISSED$/m, 'what is to be at least so much, and is not');
like($log, qr/^  +as fast as .* 100000 \(0\) +>= 100000 met$/m, '... and just is');
well_formed(Bench::Plot::draw($results, 10, 'a "day" <&>', {%row, goals => []}), 'the picture of a title with <, > and &');
is(Bench::Plot::draw($results, 11, '', {%row, goals => []}), '', 'no picture of nothing');

# ---- usage --------------------------------------------------------------------------------------------------------------

my ($status, $out, $err) = bench('--help');
is("$status $err", '0 ', '--help: exit 0');
like($out, qr/--quick.*--rounds.*--only.*opens stat listing scan sizes import policy noise reload log.*--csv.*--svg/s, '... and the options');
is((grep { length > 120 } split /\n/, $out), 0, '... in 120 columns');
for my $wrong (['--fast'], ['--rounds'], ['--rounds', 'x'], ['--rounds', 0], ['--rounds', 1001], ['--only', 'open'], ['--only', ''],
    ['--only', 'opens,'], ['more'], ['--csv']) {
    ($status, $out, $err) = bench(@$wrong);
    is("$status $out", '2 ', "refused: @$wrong");
    like($err, qr/\Abench: [^\n]+\n\z/, '... with one line');
}

# ---- a run --------------------------------------------------------------------------------------------------------------

SKIP: {
    skip 'only root can mount', 1 if $> != 0;
    for my $wrong (['--csv', "$dir/none/x.csv"], ['--svg', "$dir/none/x.svg"]) {
        ($status, $out, $err) = bench('--tiny', @$wrong);
        is("$status $out", '2 ', "refused before anything is measured: $wrong->[0] where nothing can be made");
    }
    skip 'this machine has no /dev/fuse', 1 unless -c '/dev/fuse';
    skip 'gocryptfs is not installed', 1 if system('command -v gocryptfs >/dev/null');
    skip "$build/tests/floor is not built", 1 unless -x "$build/tests/floor";
    my @before = glob("$build/bench-*"); # of a run that was killed
    my @mounts = mounts();
    ($status, $out, $err) = bench('--tiny', '--rounds', 2, '--only', 'opens', '--csv', "$dir/x.csv", '--svg', "$dir/x.svg");
    is("$status $err", '0 ', 'a tiny run');
    my ($header, @lines) = map { [split /,/, $_, -1] } split /\n/, slurp("$dir/x.csv");
    is("@$header", 'row clients dossiers system round value unit median_ns p99_ns', 'the columns of its CSV');
    is(scalar(grep { @$_ != @$header } @lines), 0, 'each line has them all');
    my %found = map { ("$_->[0] $_->[1] $_->[3] $_->[4]" => $_) } @lines;
    my @systems = ('dossierfs', $out =~ /no --log-durability/ ? () : 'dossierfs-crash', qw(floor gocryptfs plain));
    my @wanted = map { my $row = $_; map { my $system = $_; map { "$row $system $_" } 1, 2 } @systems } 'open 1', 'open 8', 'cat 1';
    is_deeply([grep { !$found{$_} || $found{$_}[5] <= 0 } @wanted], [], 'each row has a time for each system and round');
    is(scalar(grep { $_->[0] eq 'flush' } @lines) >= 6, 1, 'and what the disk costs');
    like($out, qr/^  \Q$_\E\b.* \d+\.\d \(/m, "$_ is in the table") for 'dossierfs', 'floor', 'gocryptfs';
    unlike($out, qr/^dossiers /m, 'a group that was not asked for is not');
    well_formed(slurp("$dir/x.svg"), 'the picture');
    ($status, $out, $err) = bench('--tiny', '--rounds', 2, '--only', 'policy', '--csv', "$dir/p.csv");
    is("$status $err", '0 ', 'the policy alone');
    like($out, qr/^  \Q$_\E .* \d+\.\d \(\S+\) +<= 1000 (?:met|MISSED)$/m, "... $_") for 'ns a decision,', '  in all 20', map { "ms for dossier policy $_," } qw(check matrix diff never register statement);
    is(() = slurp("$dir/p.csv") =~ /^(?:decide|match|load|policy)/mg, 20, '... in both rounds, and nothing else is measured');
    unlike($out, qr/flush/, '... nor told');
    ($status, $out, $err) = bench('--tiny', '--only', 'log', '--csv', "$dir/l.csv");
    is("$status $err", '0 ', 'the log alone: its answers are what was written');
    like($out, qr/^  \Q$_->[1]\E .* \d+(?:\.\d+)? \(\S+\) *(?:[<>]= \d+ (?:met|MISSED))?$/m, "... $_->[1]") for @Bench::Log::ROWS;
    is(() = slurp("$dir/l.csv") =~ /^log-/mg, scalar(@Bench::Log::ROWS), '... and nothing else is measured');
    is_deeply([mounts()], \@mounts, 'no mount stays') unless others();
    is_deeply([glob("$build/bench-*")], \@before, 'nor any file') unless others();
}
done_testing();

# (exit status, stdout, stderr)
sub bench {
    my (@options) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', "$dir/out";
        open STDERR, '>', "$dir/err";
        $ENV{BUILD} = $build;
        exec $^X, 'tests/bench/run', @options;
    }
    waitpid $pid, 0;
    return ($? >> 8, slurp("$dir/out"), slurp("$dir/err"));
}

# Below this build only: another build's bench has its own.
sub mounts { return grep { m{\A\Q$build\E/bench-} } map { (split ' ')[1] } split /\n/, slurp('/proc/self/mounts') }

# Somebody may be measuring with the same build.
sub others { return scalar grep { m{tests/bench/run} && !/bench\.t/ } map { eval { slurp($_) } // '' } glob('/proc/[0-9]*/cmdline') }

sub said {
    my ($code) = @_;
    open my $to, '>', \my $text or die;
    my $before = select $to;
    $code->();
    select $before;
    return $text;
}

# Every element is closed in its turn, every value quoted, every & an entity; and xmllint agrees, where there is one.
sub well_formed {
    my ($svg, $name) = @_;
    my (@open, $fault);
    while ($svg =~ /\G([^<]*)<(\/?)([a-z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>/gc) {
        my ($text, $end, $element, $single) = ($1, $2, $3, $5);
        $fault //= "text outside: $text" if !@open && $text =~ /\S/;
        if    ($end)     { $fault //= "</$element>" if (pop(@open) // '') ne $element }
        elsif (!$single) { push @open, $element }
    }
    $fault //= 'not closed: ' . join ' ', @open if @open;
    $fault //= 'after: ' . substr($svg, pos($svg) // 0, 80) if substr($svg, pos($svg) // 0) =~ /\S/;
    $fault //= 'a bare &' if $svg =~ /&(?!(?:amp|lt|gt|quot);)/;
    is($fault, undef, "$name is well-formed");
    like($svg, qr{<title>[^<]+</title>.*<desc>[^<]+</desc>}s, '... and says what it is');
    return unless grep { -x "$_/xmllint" } split /:/, $ENV{PATH};
    open my $lint, '|-', 'xmllint --noout - 2>&1 >/dev/null' or die;
    print $lint $svg;
    ok(close $lint, '... to xmllint too');
    return;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar(<$file>) // '';
}
