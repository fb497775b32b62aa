#!/usr/bin/perl
# Goal: sample-data writes the same invented tenants, and dossiers of each other kind, every time, valid and spread as it says, and
# refuses wrong usage.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Spec;
use Math::BigInt;
use Test::More;
use Time::Local qw(timegm);
use Trial ();
use utf8;

chdir dirname(File::Spec->rel2abs($0)) . '/../..' or die "chdir: $!\n";
my $program = File::Spec->rel2abs($ENV{BUILD} // 'build') . '/sample-data';
plan skip_all => "$program is not built" unless -x $program;

my $today = '2026-03-15';
my ($status, $text) = run('--count', 4000, '--today', $today);
is($status, 0, 'exit 0');

# ---- the same every time ----
is((run('--count', 4000, '--today', $today))[1], $text, 'the same again');
isnt((run('--count', 4000, '--today', $today, '--seed', 2))[1], $text, 'others with another seed');
isnt((run('--count', 4000, '--today', '2026-03-16'))[1], $text, 'others on another day');
is((run('--count', 4000, '--today', $today, '--seed', 1))[1], $text, 'the seed is 1 when none is given');
{
    local $ENV{TZ} = 'Pacific/Kiritimati';
    local $ENV{LC_ALL} = 'nl_NL.UTF-8';
    is((run('--count', 4000, '--today', $today))[1], $text, 'the zone and the language of the machine change nothing');
}
is((run('--count', 10, '--today', $today))[1], join('', ($text =~ /^.*\n/mg)[0 .. 10]), 'fewer rows: the first of these');
is((run('--count', 0))[1], ($text =~ /^.*\n/mg)[0], 'no row: the header alone');
is((run('--count', 4000, '--today', $today, '--delimiter', 'comma'))[1], $text, 'comma is the delimiter when none is given');

# ---- valid ----
my $bytes = $text;
utf8::decode($text) or BAIL_OUT('not UTF-8');
my ($header, @rows) = map { [Trial::split_csv($_)] } split /\n/, $text;
my @names = @$header;
is(scalar @rows, 4000, 'as many rows as asked for');
my @fields = map { /^\[field (.*)\]/ ? $1 : () } split /\n/, slurp('examples/woningcorporatie.ini');
my %columns = map { $_ => 1 } @names;
is("@names", join(' ', 'contractnummer', grep { $columns{$_} } @fields), 'the columns are fields of the example policy, in its order');
is(scalar @names, 26, '... all that it has of a tenant');
is(scalar(grep { @$_ != @names } @rows), 0, 'each row has a value for each column');
my @tenants = map { my %row; @row{@names} = @$_; \%row } @rows;

my %codes = map { $_->{contractnummer} => 1 } @tenants;
is(scalar keys %codes, 4000, 'codes are unique');
none('contractnummer',      sub { !/^[0-9]{4}-[0-9]{5}$/ },                         'codes look as they should');
none('rekeningnummer',      sub { !/^NL[0-9]{2}TEST[0-9]{10}$/ },                   'accounts are of the bank that there is not');
none('rekeningnummer',      sub { iban_remainder($_) != 1 },                        'their check digits are right');
none('postcode',            sub { !/^[1-9][0-9]{3} ?[A-Z]{2}$/ || /S[ADS]$/ },      'postcodes');
none('email',               sub { length && !/^[a-z.]+[0-9]+\@example\.org$/ },     'e-mail goes nowhere, in ASCII');
none('telefoon',            sub { digits($_) !~ /^(?:60|99)[0-9]{7}$/ },            'phone numbers are not given out');
none('telefoon2',           sub { length && digits($_) !~ /^(?:60|99)[0-9]{7}$/ },  'nor are second ones');
none($_,                    sub { length && !defined day($_) },                     "$_: days of the calendar")
    for qw(geboortedatum begindatum einddatum identificatie-gezien);
is(scalar(grep { day($_->{begindatum}) - day($_->{geboortedatum}) < 18 * 365 } @tenants), 0, 'tenants are of age');
is(scalar(grep { $_->{einddatum} && $_->{einddatum} lt $_->{begindatum} } @tenants), 0, 'nothing ends before it begins');
is(scalar(grep { $_->{begindatum} gt $today } @tenants), 0, 'nothing begins after today');
is(scalar(grep { !$_->{'identificatie-gezien'} != !$_->{'identificatie-soort'} } @tenants), 0,
    'an identification has a day and a kind, or neither');

# ---- spread ----
my $now = day($today);
my @running = grep { !$_->{einddatum} || day($_->{einddatum}) > $now } @tenants;
my @within  = grep { $_->{einddatum} && day($_->{einddatum}) <= $now && $_->{einddatum} ge '2024-03-15' } @tenants;
my @past    = grep { $_->{einddatum} && $_->{einddatum} lt '2024-03-15' } @tenants;
my @gone    = grep { $_->{einddatum} && $_->{einddatum} lt '2019-01-01' } @tenants;
near(scalar @running, 2800, 'running');
near(scalar @within,  600,  'ended, within their term');
near(scalar @past,    600,  'past their term');
near(scalar @gone,    400,  'payments past theirs too');
cmp_ok(scalar(grep { $_->{achternaam} =~ /[^\x00-\x7f]/ } @tenants), '>', 100, 'surnames with diacritics');
cmp_ok(scalar(grep { $_->{tussenvoegsel} } @tenants), '>', 1000, 'tussenvoegsels');
for my $optional (qw(email telefoon2 studentnummer tussenvoegsel)) {
    my $empty = grep { $_->{$optional} eq '' } @tenants;
    ok($empty > 200 && $empty < 3800, "$optional: some have none");
}

# ---- semicolon ----
my (undef, $semicolons) = run('--count', 50, '--today', $today, '--delimiter', 'semicolon');
utf8::decode($semicolons);
my (undef, @others) = map { [Trial::split_csv($_, ';')] } split /\n/, $semicolons;
is(scalar(grep { @$_ != @names } @others), 0, 'semicolon: the same columns');
my %column = map { $names[$_] => $_ } 0 .. $#names;
is(scalar(grep { $_->[$column{huur}] !~ /^[0-9]+,[0-9]{2}$/ } @others), 0, '... and a decimal comma');

# ---- each kind ----
my $policy = slurp('examples/woningcorporatie.ini');
for my $kind ($policy =~ /^\[kind (.*)\]/mg) {
    my ($exit, $csv) = run('--kind', $kind, '--count', 600, '--today', $today);
    is($exit, 0, "$kind: exit 0");
    utf8::decode($csv);
    ($header, @rows) = map { [Trial::split_csv($_)] } split /\n/, $csv;
    @names = @$header;
    %columns = map { $_ => 1 } @names;
    is("@names", join(' ', $names[0], grep { $columns{$_} } @fields), "$kind: the columns are fields of the policy, in its order");
    is(scalar(grep { @$_ == @names } @rows), 600, "$kind: each row has a value for each column");
    @tenants = map { my %row; @row{@names} = @$_; \%row } @rows;
    my ($pattern) = $policy =~ /^\[kind \Q$kind\E\]\n(?:.+\n)*?code +=\s*(.*)$/m;
    my %different = map { $_->[0] => 1 } grep { $_->[0] =~ /^(?:$pattern)$/ } @rows;
    is(scalar keys %different, 600, "$kind: the codes are unique, and such as the policy says");
    my %check = (
        rekeningnummer => sub { !/^NL[0-9]{2}TEST[0-9]{10}$/ || iban_remainder($_) != 1 },
        email => sub { length && !/^[a-z.]+[0-9]+\@example\.org$/ },
        bsn => sub { !/^9[0-9]{8}$/ || eleven($_) },
        'kvk-nummer' => sub { !/^00[0-9]{6}$/ },
        'ip-adres' => sub { !/^(?:203\.0\.113\.[0-9]+|2001:db8:77:1::[0-9a-f]+)$/ },
        (map { $_ => sub { length && digits($_) !~ /^(?:60|99)[0-9]{7}$/ } } qw(telefoon telefoon2 melder-telefoon)),
    );
    none($_, $check{$_}, "$kind: $_ is of nobody") for grep { $columns{$_} } sort keys %check;
    isnt((run('--kind', $kind, '--count', 600, '--today', $today, '--seed', 2))[1], $csv, "$kind: others with another seed");
}
is((run('--kind', 'huurder', '--count', 4000, '--today', $today))[1], $bytes, 'tenants when no kind is given');
is(sha256_hex($bytes), '41627882a6c38d0ab8b9cfb7abe22bef032a7880a9b4710fc876574d0359f9d1', 'the same whatever compiled it');

# ---- codes when a year is full, and time ----
SKIP: {
    skip 'a million rows are for a build without sanitizers', 2 if qx(nm "$program") =~ /__asan_init/;
    my $begin = time;
    my $twice = qx("$program" --count 1000000 --today $today | cut -d, -f1 | LC_ALL=C sort | uniq -d | wc -l);
    is($twice + 0, 0, 'a million codes are unique');
    cmp_ok(time - $begin, '<', 60, '... and are there in time');
}

# ---- usage ----
for my $wrong ([], ['--count'], ['--count', 'x'], ['--count', -1], ['--count', '999900001'], ['--count', 1, 'more'],
    ['--count', 1, '--seed', 'x'], ['--count', 1, '--today', '2026-02-30'], ['--count', 1, '--today', '15-03-2026'],
    ['--count', 1, '--delimiter', ';'], ['--count', 1, '--kind', 'hurder'], ['--count', 1, '--kind'], ['--count', 1, '--colour']) {
    my ($exit, $output) = run(@$wrong);
    is("$exit $output", '2 ', "refused: @$wrong");
}
($status, $text) = run('--help');
is($status, 0, '--help: exit 0');
like($text, qr/--count N.*--kind KIND.*huurder,.*camera.*--seed S.*--today.*--delimiter/s, '... and the options');
is(system(qq("$program" --count 100000 >/dev/full 2>/dev/null)) >> 8, 2, 'a full disk: exit 2');
done_testing();

# The status and what it wrote.
sub run {
    my $pid = open my $output, '-|';
    die "fork: $!\n" unless defined $pid;
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec $program, @_ or exit 127;
    }
    local $/;
    my $written = <$output> // '';
    close $output;
    return ($? >> 8, $written);
}

sub none {
    my ($name, $wrong, $said) = @_;
    return is(scalar(grep { local $_ = $_->{$name}; $wrong->() } @tenants), 0, $said);
}

sub near {
    my ($count, $wanted, $said) = @_;
    return ok($count > $wanted * 0.85 && $count < $wanted * 1.15, "$said: $count, about $wanted");
}

sub iban_remainder {
    my ($iban) = @_;
    my $number = join '', map { /[A-Z]/ ? ord($_) - 55 : $_ } split //, substr($iban, 4) . substr($iban, 0, 4);
    return Math::BigInt->new($number)->bmod(97)->numify;
}

# 0: a number that holds.
sub eleven {
    my @digits = split //, $_[0];
    my $sum = -$digits[8];
    $sum += (9 - $_) * $digits[$_] for 0 .. 7;
    return $sum % 11;
}

# The nine digits behind +31.
sub digits {
    my ($phone) = @_;
    $phone =~ s/\(0\)//;
    $phone =~ s/[^0-9]//g;
    return $phone =~ s/^(?:0031|31|0)//r;
}

# Days since 1970, or undef.
sub day {
    my ($text) = @_;
    return unless $text =~ /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
    my $second = eval { timegm(0, 0, 0, $3, $2 - 1, $1) };
    return defined $second ? $second / 86400 : undef;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}
