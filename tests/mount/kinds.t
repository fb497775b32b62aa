#!/usr/bin/perl
# Goal: dossiers of every kind of the housing association's policy live in one store, and somebody sees of each what the file said, for
# one purpose and no more; what was recorded by a camera is there for nobody until an incident covers it, and then for two roles.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('faketime');
my %uid = (incasso => INCASSO, klantcontact => KLANTCONTACT, opzichter => OPZICHTER, verhuur => 61006, financien => 61010,
    beheerder => 61011, woonconsulent => 61012, toeslagen => 61013, politie => 61014, 'wijk-noord' => 61015);
my $policy = read_file(Trial::example_policy());
for my $who (grep { $uid{$_} > 61006 } sort keys %uid) {
    $policy =~ s/^(members +=) \@\Q$who\E$/$1 $uid{$who}/m or die "the policy has no group $who";
    $policy .= "bound += $uid{$who} 2025-01-01\n";
}
my $trial = Trial->new(policy => $policy, csv => undef);
my $mnt = $trial->{mnt};
my $today = '2026-11-20';
$trial->at_time("$today 12:00:00");

# Who sees what of a kind, for which purpose, and which columns have to be empty for nothing of it to have ended.
my $name = 'voorletters tussenvoegsel achternaam';
my $full = 'voorletters voornamen tussenvoegsel achternaam';
my $address = 'straat huisnummer postcode woonplaats';
my %shown = (
    huurder => ['incasso', 'huur-innen', "$full geslacht $address telefoon telefoon2 email geboortedatum rekeningnummer betaalwijze huur"
        . ' begindatum', 'einddatum'],
    medehuurder => ['verhuur', 'verhuur-en-beheer', "$full geslacht $address telefoon telefoon2 email geboortedatum begindatum hoofdcontract",
        'einddatum'],
    woningzoekende => ['verhuur', 'woonruimteverdeling', "$full telefoon telefoon2 email geboortedatum inkomen inkomensjaar"
        . ' gezinssamenstelling studentnummer svh-nummer ingeschreven kandidaat-voor kandidaat-uitkomst',
        'uitgeschreven toewijzing inkomen-gecontroleerd'],
    koper => ['verhuur', 'verkoop', "$full geslacht $address telefoon telefoon2 email geboortedatum identificatie-gezien"
        . ' identificatie-soort identificatie-door koopobject koopsom', 'afgewikkeld'],
    leverancier => ['financien', 'crediteuren-betalen', "$name $address rekeningnummer bedrijfsnaam kvk-nummer vestigingsnummer btw-nummer"
        . ' werkzaamheden factuurnummer factuurdatum factuurbedrag', 'afgewikkeld'],
    vordering => ['incasso', 'huur-innen', "$name $address telefoon email geboortedatum rekeningnummer achterstand betalingsregeling"
        . ' vordering-stand', 'vordering-betaald'],
    huurtoeslag => ['toeslagen', 'huurtoeslag', "$name $address bsn huurtoeslag-bedrag huurtoeslag-begin", 'huurtoeslag-einde'],
    reparatie => ['opzichter', 'onderhoud', "$address telefoon wijk reparatie-gemeld reparatie-melding reparatie-opdracht"
        . ' reparatie-afspraak', 'reparatie-gereed'],
    klacht => ['klantcontact', 'geschillen-en-klachten', "$name $address telefoon email wijk klacht-ontvangen klacht-onderwerp"
        . ' klacht-omschrijving', 'klacht-afgehandeld'],
    overlast => ['woonconsulent', 'woonfraude-en-overlast', "$name $address wijk overlast-gemeld overlast-soort overlast-melding"
        . ' overlast-maatregel melder-naam melder-telefoon', 'overlast-gesloten'],
    contactformulier => ['klantcontact', 'website-en-email', "$name telefoon email vraag-ontvangen vraag", 'vraag-afgehandeld'],
    nieuwsbriefabonnee => ['klantcontact', 'nieuwsbrief', 'email', 'afgemeld'],
    vastgoed => ['financien', 'vastgoed-btw', "$name $address bedrijfsnaam btw-nummer vastgoedobject eerste-gebruik btw-bedrag", ''],
);
my @kinds = $policy =~ /^\[kind (.*)\]$/mg;
is_deeply([sort @kinds], [sort keys %shown, 'camera'], 'the kinds of the policy');

# ---- one store ---------------------------------------------------------------------------------------------------------------

my %rows;
for my $kind (@kinds) {
    my ($status, $csv) = run({}, $trial->bin('sample-data'), '--kind', $kind, '--count', 40, '--today', $today);
    ($status, my ($out, $err)) = $trial->dossier({stdin => $csv}, 'import', '--kind', $kind, '-');
    is($status, 0, "$kind: imported") or diag("$out$err");
    like($out, qr/: 40 added, 0 changed, 0 unchanged, 0 rejected$/, "$kind: all of it");
    my ($header, @lines) = map { [Trial::split_csv($_)] } split /\n/, $csv;
    $header->[0] = 'code';
    $rows{$kind} = [map { my %row; @row{@$header} = @$_; \%row } @lines];
}
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

# ---- what each shows ---------------------------------------------------------------------------------------------------------

for my $kind (grep { $shown{$_} } @kinds) {
    my ($who, $purpose, $columns, $ended) = @{$shown{$kind}};
    my ($row) = grep { my $it = $_; !grep { $it->{$_} ne '' } split ' ', $ended } @{$rows{$kind}};
    my $at = "$mnt/$purpose/$row->{code}";
    if ($kind =~ /^(?:contactformulier|nieuwsbriefabonnee)$/) {
        is(names_as($uid{$who}, $at), 'ENOENT', "$kind: not there without a consent");
        is(fact('set', 'consent', $row->{code}, $purpose, '--reason', 'on the form'), 0, '... which is registered');
    }
    my %expected = map { ("$_.txt" => as_kept($_, $row->{$_})) } grep { $row->{$_} ne '' } split ' ', $columns;
    $expected{'geboortedatum.txt'} =~ s/-.*/-**-**/ if $who eq 'incasso';
    is(names_as($uid{$who}, $at), join(' ', sort 'dossier.txt', keys %expected), "$kind: $who sees the fields for $purpose");
    my @wrong = grep { slurp_as($uid{$who}, "$at/$_") ne "$expected{$_}\n" } sort keys %expected;
    is("@wrong", '', '... as the file said');
    is(names_as($_, $at), 'ENOENT', "... and $_ sees none of it") for STRANGER, BEHEER, 0;
    my @elsewhere = grep { $_ ne $purpose && names_as($uid{politie}, "$mnt/$_/$row->{code}") ne 'ENOENT' } $policy =~ /^\[purpose (.*)\]$/mg;
    is("@elsewhere", '', '... nor the police for any purpose');
}

# An address is cut before it is kept, whoever asks: here the officer, for a request.
my ($visitor) = grep { $_->{'ip-adres'} =~ /^203/ && $_->{'vraag-afgehandeld'} eq '' } @{$rows{contactformulier}};
is(slurp_as(FUNCTIONARIS, "$mnt/verzoeken-van-betrokkenen/$visitor->{code}/ip-adres.txt"), "203.0.113.0\n",
    'an address without its last octet');
is(names_as(FUNCTIONARIS, "$mnt/verzoeken-van-betrokkenen/$rows{overlast}[0]{code}") =~ /melder/ ? 'there' : 'not there', 'not there',
    'who complained is in no overview');

# One district, and what customer contact may report and not read.
my @north = sort map { $_->{code} } grep { $_->{wijk} eq 'Noord' && within_two_years($_->{'overlast-gesloten'}) } @{$rows{overlast}};
cmp_ok(scalar @north, '>', 1, 'there is nuisance in the north');
is(names_as($uid{'wijk-noord'}, "$mnt/woonfraude-en-overlast"), "@north", '... and who works there sees it, and no other');
is(names_as(KLANTCONTACT, "$mnt/woonfraude-en-overlast"), '', 'who takes reports of nuisance reads none');
is(names_as(KLANTCONTACT, "$mnt/onderhoud"), '', '... nor of repairs');

# ---- a camera ----------------------------------------------------------------------------------------------------------------

my $camera = "$mnt/camera-veiligheid";
my ($take) = grep { $_->{opgenomen} ge '2026-11-01' && $_->{'toegang-deur'} ne '' } @{$rows{camera}};
my ($old) = grep { $_->{opgenomen} lt '2026-10-20' } @{$rows{camera}};
my @footage = grep { $take->{$_} ne '' } qw(opgenomen camera-plaats camera-bord camera-woningvrij camera-opname);
my @door = qw(toegang-opgenomen toegang-deur toegang-pas);
my @looking = ($uid{beheerder}, $uid{politie});
my @others = (FUNCTIONARIS, BEHEER, KLANTCONTACT, $uid{woonconsulent}, $uid{verhuur}, STRANGER, 0);
is(names_as($_, $camera), '', "no incident: $_ sees no recording") for @looking;
is(names_as($_, "$camera/$take->{code}"), 'ENOENT', '... nor by its code') for @looking, @others;
is(fact('set', 'incident', $take->{code}, 'camerabeelden', '--reason', 'break-in', '--from', $take->{opgenomen}, '--until',
    $take->{opgenomen}), 0, 'an incident of that day, registered by somebody else');
for my $looker (@looking) {
    is(names_as($looker, $camera), $take->{code}, "$looker sees that recording alone");
    is(names_as($looker, "$camera/$take->{code}"), join(' ', sort 'dossier.txt', map { "$_.txt" } @footage), '... the footage, and no door');
    my @wrong = grep { slurp_as($looker, "$camera/$take->{code}/$_.txt") ne "$take->{$_}\n" } @footage;
    is("@wrong", '', '... as the file said: a sign, no home in the picture, where it is');
}
is(names_as($_, "$camera/$take->{code}"), 'ENOENT', "... and $_ does not") for @others;
is(fact('set', 'incident', $take->{code}, 'toegangsregistratie', '--reason', 'break-in', '--from', $take->{opgenomen}, '--until',
    $take->{opgenomen}), 0, 'the door too');
is(names_as($uid{politie}, "$camera/$take->{code}"), join(' ', sort 'dossier.txt', map { "$_.txt" } @footage, @door), '... shows');
is(fact('set', 'incident', $old->{code}, 'camerabeelden', '--reason', 'of before', '--from', $old->{opgenomen}), 0, 'an incident of long ago');
is(names_as($uid{beheerder}, "$camera/$old->{code}"), 'ENOENT', '... does not bring back what its four weeks ended');
$trial->at_time('2026-12-24 12:00:00');
is(names_as($uid{beheerder}, $camera), $take->{code}, 'an incident that is open keeps what it covers past four weeks');
is(fact('end', 'incident', $take->{code}, 'camerabeelden'), 0, 'it is handled');
is(names_as($_, "$camera/$take->{code}"), join(' ', sort 'dossier.txt', map { "$_.txt" } @door), "... and the footage is gone for $_") for @looking;
is(fact('end', 'incident', $take->{code}, 'toegangsregistratie'), 0, 'both are');
is(names_as($_, $camera), '', '... and nothing is left') for @looking;
is($trial->stop, 0, 'unmounts');
done_testing;

# As the officer. The status.
sub fact {
    my ($verb, @words) = @_;
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS}, 'fact', $verb, @words);
    diag("fact $verb @words: $out$err") if $status;
    return $status;
}

# The form in which a type keeps a value.
sub as_kept {
    my ($field, $value) = @_;
    return $value =~ s/^([0-9]{4}) ?/$1 /r if $field eq 'postcode';
    return '+31' . ($value =~ s/\(0\)|[^0-9]//gr =~ s/^(?:0031|31|0)//r) if $field =~ /telefoon/;
    return $value;
}

sub within_two_years { return $_[0] eq '' || $_[0] ge '2024-11-20' }
