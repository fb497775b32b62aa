#!/usr/bin/perl
# Goal: exports have the form of their standard, member by member; leave out what they must (employees, refusals, codes, values); go
# on where the last one ended; and call a person the same under the same key alone.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Time::Local ();
use Trial;

Trial::needs('faketime');
my $trial = Trial->new;
my $mnt = $trial->{mnt};
$trial->at_time('2026-11-22 10:00:00');
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt");
slurp_as(INCASSO, "$mnt/huur-innen/2020-00002/achternaam.txt");
slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/dossier.txt");
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/geboortedatum.txt");
names_as(INCASSO, "$mnt/huur-innen");
slurp_as(STRANGER, "$mnt/huur-innen/2020-00001/huur.txt");
my @truth = $trial->log_entries;

my $key = "$trial->{dir}/export-key";
Trial::write_file($key, 'k' x 32);
chmod 0644, $key;

sub export_of {
    my ($format, @more) = @_;
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'export', '--format', $format, @more);
    is($status, 0, "export $format @more: exit 0") or diag($err);
    return ($out, $err);
}

# Faults of a value against a form: a pattern, a number's name, a list of one form, or members each with a form ("?" in front: may
# be missing). Members that the form does not know are faults.
sub faults {
    my ($value, $form, $where) = @_;
    return ref $value ? "$where is no text" : $value =~ /^(?:$form)$/ ? () : "$where: $value" if ref $form eq 'Regexp';
    return !ref $value && JSON::PP->new->allow_nonref->encode($value) =~ /^\d+$/ ? () : "$where is no number" if $form eq 'number';
    if (ref $form eq 'ARRAY') {
        return "$where is no list" unless ref $value eq 'ARRAY' && @$value;
        return map { faults($value->[$_], $form->[0], "$where\[$_]") } 0 .. $#$value;
    }
    return "$where has no members" unless ref $value eq 'HASH';
    my %left = %$value;
    my @faults;
    for my $name (sort keys %$form) {
        my $plain = $name =~ s/^\?//r;
        if (exists $left{$plain}) { push @faults, faults(delete $left{$plain}, $form->{$name}, "$where.$plain") }
        elsif ($plain eq $name)   { push @faults, "$where.$plain is missing" }
    }
    return @faults, map { "$where.$_ is not known" } sort keys %left;
}

sub has_form {
    my ($out, $form, $name) = @_;
    my @lines = split /\n/, $out;
    my @faults = map { faults(decode_json($lines[$_]), $form, "line " . ($_ + 1)) } 0 .. $#lines;
    is_deeply(\@faults, [], "$name: every line has the form of the standard");
    return map { decode_json($_) } @lines;
}

my $uri = qr{urn:dossierfs:register:[a-z-]+\?version=[0-9a-f]{16}};
my $hex16 = qr/(?!0{32})[0-9a-f]{32}/;
my $hex8 = qr/(?!0{16})[0-9a-f]{16}/;
my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
my $zoned = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d/;
my @processed = grep { $_->{outcome} !~ /^(?:refused|gap)$/ && ($_->{subject_number} || $_->{purpose}) } @truth;
my @about = grep { $_->{subject_number} } @processed;

# ---- Logboek Dataverwerkingen ----------------------------------------------------------------------------------------------

my ($ldv) = export_of('ldv', '--export-key', $key);
my @lines = has_form($ldv, {
    trace_id => $hex16, span_id => $hex8, status => qr/Unset|Ok|Error/, name => qr/\S+/, start_time => 'number', end_time => 'number',
    '?parent_span_id' => $hex8, '?resource' => {name => qr/dossierfs/},
    attributes => {'dpl.core.processing_activity_id' => $uri, '?dpl.core.data_subject_id' => qr/[0-9a-f]{32}/,
        '?dpl.core.data_subject_id_type' => qr/urn:dossierfs:pseudonym/},
}, 'ldv');
is(scalar(@lines), scalar(@processed), 'ldv: a line for everything that was processed, and none for a refusal');
is($lines[-1]{start_time}, Time::Local::timegm(0, 0, 9, 22, 10, 2026) * 1000, 'ldv: times in milliseconds');
my %ids;
$ids{$lines[$_]{attributes}{'dpl.core.data_subject_id'} // ''}{$processed[$_]{subject_number}}++ for 0 .. $#lines;
is(scalar(grep { keys %$_ > 1 } values %ids), 0, 'ldv: a person has one pseudonym, and a pseudonym one person');
for my $out ($ldv, (export_of('otlp', '--export-key', $key))[0], (export_of('vng', '--export-key', $key))[0]) {
    unlike($out, qr/\b6100[0-9]\b|incasso|klantcontact|2020-0000|612\.50|Noordstam|@{[join '|', map { $_->{subject_number} } @about]}/,
        'no employee, code, value or number of the log is in it');
}

# ---- OpenTelemetry ---------------------------------------------------------------------------------------------------------------

my @requests = has_form((export_of('otlp', '--export-key', $key))[0], {resourceSpans => [{
    resource => {attributes => [{key => qr/service\.name/, value => {stringValue => qr/dossierfs/}}]},
    scopeSpans => [{scope => {name => qr/dossierfs/, version => qr/\S+/}, spans => [{
        traceId => $hex16, spanId => $hex8, name => qr/\S+/, kind => 'number', startTimeUnixNano => qr/\d+000000/,
        endTimeUnixNano => qr/\d+000000/, status => {code => 'number'},
        attributes => [{key => qr/dpl\.core\.(?:processing_activity_id|data_subject_id(?:_type)?)/, value => {stringValue => qr/\S+/}}],
    }]}],
}]}, 'otlp');
is_deeply([map { my $s = $_->{resourceSpans}[0]{scopeSpans}[0]{spans}[0]; "$s->{traceId} $s->{startTimeUnixNano}" } @requests],
    [map { "$_->{trace_id} $_->{start_time}000000" } @lines], 'otlp: the same spans as ldv, in nanoseconds');

# As the classes read it that the OpenTelemetry project generates from its protocol: a member they do not know is a fault.
SKIP: {
    my $modules = Trial::built('otlp/node_modules');
    skip "node, or $modules, is missing (make deps FOR=otlp): the export was not read by a parser that is not ours", 7
        unless -d $modules && !system('command -v node >/dev/null');
    my $read = sub { return run({stdin => $_[0]}, 'node', 'tests/otlp/check.js', $modules) };
    my ($otlp) = export_of('otlp', '--export-key', $key);
    my $count = () = $otlp =~ /\n/g;
    my ($status, $out, $err) = $read->($otlp);
    is("$status $out$err", qq(0 {"requests":$count,"spans":$count}\n), "otlp: OpenTelemetry's own classes read every span, and nothing else");
    cmp_ok($count, '>', 5, '... of several');
    # What is wrong is found.
    for my $wrong (['"kind":1', '"kind":1,"planted":1', 'a member that is not known'], ['"kind":1', '"kind":"x"', 'no kind'],
        [qr/"traceId":"[0-9a-f]{32}"/, '"traceId":"AAECAwQFBgcICQoLDA0ODw=="', 'an id in base64'],
        [qr/"startTimeUnixNano":"\d+"/, '"startTimeUnixNano":"soon"', 'no time'], ['"name":"', '"name":5,"x":"', 'a name that is a number']) {
        my ($from, $to, $name) = @$wrong;
        my $bad = $otlp;
        ref $from ? $bad =~ s/$from/$to/ : $bad =~ s/\Q$from\E/$to/;
        isnt(($read->($bad))[0], $bad eq $otlp ? 'planted' : 0, "... and would not take $name");
    }
}

# ---- Verwerkingenlogging --------------------------------------------------------------------------------------------------------

my %citizen = (
    actieId => $uuid, actieNaam => qr/\S+/, handelingNaam => qr/\S+/, verwerkingNaam => qr/\S+/, verwerkingId => $uuid,
    verwerkingsactiviteitId => $uuid, verwerkingsactiviteitUrl => $uri, vertrouwelijkheid => qr/normaal/, bewaartermijn => qr/P5Y/,
    uitvoerder => qr/[0-9]{20}/, tijdstip => $zoned, tijdstipRegistratie => $zoned,
    verwerkteObjecten => [{objecttype => qr/persoon/, soortObjectId => qr/\S+/, objectId => qr/\S{1,40}/, betrokkenheid => qr/\S+/,
        verwerkteSoortenGegevens => [{soortGegeven => qr/[^~].*/}]}],
);
my @vng = has_form((export_of('vng', '--export-key', $key))[0],
    {%citizen, systeem => qr/dossierfs/, gebruiker => qr/\S{1,40}/, gegevensbron => qr/dossierfs/}, 'vng');
is(scalar(@vng), scalar(@about), 'vng: a line for everything that is about a person');
my %users;
$users{$vng[$_]{gebruiker}}{$about[$_]{uid}}++ for 0 .. $#vng;
is(scalar(grep { keys %$_ > 1 } values %users), 0, 'vng: an employee is one key');
my @inzage = has_form((export_of('vng-inzage', '--subject', '2020-00001', '--confidential', 'communicatie'))[0], \%citizen,
    'vng-inzage');
is(scalar(@inzage), scalar(grep { $_->{subject} eq '2020-00001' && $_->{purpose} ne 'communicatie' } @about),
    'vng-inzage: one person, and nothing confidential');
is(scalar(grep { decode_json($_)->{vertrouwelijkheid} eq 'vertrouwelijk' }
    split /\n/, (export_of('vng', '--confidential', 'communicatie,x'))[0]), scalar(grep { $_->{purpose} eq 'communicatie' } @about),
    'vng: confidential where it was said');

# ---- all of it, and in pieces ------------------------------------------------------------------------------------------------------

my ($json) = export_of('jsonl');
my @all = map { decode_json($_) } split /\n/, $json;
is_deeply([@all[0 .. $#truth]], \@truth, 'jsonl: what log show has');
my ($csv) = export_of('csv', '--limit', 3);
is(scalar(my @rows = split /\r\n/, $csv), 4, 'csv: a heading and three entries');
my ($joined, $after, $pieces) = ('', 0, 0);
my $end = $truth[-1]{number};
while ($after < $end && $pieces++ < 50) {
    my ($out, $err) = export_of('ldv', '--export-key', $key, '--after', $after, '--limit', 4);
    ($after) = $err =~ /--after (\d+)$/ or last;
    $joined .= $out;
}
is(substr($joined, 0, length $ldv), $ldv, 'in pieces, each where the last one ended: the same, pseudonyms too');
isnt((export_of('ldv'))[0], $ldv, 'without the key: other pseudonyms');
is(((export_of('ldv'))[0] =~ s/"dpl.core.data_subject_id":"[^"]*"//gr =~ s/^.*view log.*\n//mgr =~ s/\n.*//sr),
    ($ldv =~ s/"dpl.core.data_subject_id":"[^"]*"//gr =~ s/\n.*//sr), '... and nothing else');

# ---- wrong usage ----------------------------------------------------------------------------------------------------------------

for my $wrong ([qr/--format FORMAT: one of/, '--format', 'xml'], [qr/--format FORMAT/], [qr/20 digits/, '--format', 'vng', '--oin', '1'],
    [qr/is a URI/, '--format', 'ldv', '--register', 'x'], [qr/term like P5Y/, '--format', 'vng', '--term', '5y'],
    [qr/number of an entry/, '--format', 'ldv', '--after', '-1'], [qr/number from 1/, '--format', 'ldv', '--limit', '0']) {
    my ($pattern, @words) = @$wrong;
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'export', @words);
    is($status, 2, "@words: exit 2");
    like($err, $pattern, '... and why');
}
my $short = Trial::write_file("$trial->{dir}/short", 'k');
chmod 0644, $short;
is(($trial->dossier({uid => FUNCTIONARIS}, 'log', 'export', '--format', 'ldv', '--export-key', $short))[0], 2, 'a key of one byte: exit 2');
my ($status, $out, $err) = $trial->dossier({uid => INCASSO}, 'log', 'export', '--format', 'jsonl');
is("$status $out", '1 ', 'it is not for everybody');
like($err, qr/log\.export/, 'and says which right');
is($trial->stop, 0, 'ends with 0');
is($trial->said, '', 'the daemon had nothing to complain of');
done_testing;
