#!/usr/bin/perl
# Goal: `policy explain --dossier` tells why a dossier of the mount shows, is masked, hidden or refused to somebody at this moment, with
# the line; what it says is what opening the file does; for those alone who may ask, after an entry in the log, and without a value.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('faketime');
my $policy = Trial::small_policy();
$policy =~ s/(purposes = communicatie\nmask)/purposes = communicatie, nieuwsbrief, redding\nmask/ or die;
$policy =~ s/(purposes = onderhoud\n)/purposes = onderhoud, redding\ncaseload = wijk: Noordwijkerhout\n/ or die;
$policy =~ s/commands = log\.\*/commands = log.*, fact.*, policy.explain/ or die;
$policy .= <<'MORE';
bound += 61007 2020-01-01, 61009 2020-01-01 2026-11-21
[category plaats]
[field wijk]
category = plaats
type     = text
[purpose nieuwsbrief]
ground = D
kinds  = huurder
fields = telefoon
[purpose redding]
ground = E
kinds  = huurder
fields = telefoon
[role oud]
members  = 61009
purposes = huur-innen
[recipient deurwaarder]
agreement = processor
signed    = 2020-01-01
until     = 2026-11-21
members   = 61007
purposes  = huur-innen
fields    = achternaam
MORE
use constant {DEURWAARDER => 61007, OUD => 61009};
my $trial = Trial->new(policy => $policy, csv => undef);
sub at_time { return $trial->at_time(@_) }

at_time('2026-11-20 12:00:00');
$trial->import_csv(<<'CSV');
code,achternaam,telefoon,geboortedatum,rekeningnummer,huur,einddatum,wijk
2020-00001,Noordstam,+31612345678,1970-03-04,NL54TEST3514607673,612.50,,Noordwijkerhout
2020-00002,Quintbrugge,+31687654321,1981-11-30,NL65TEST3631929654,733.10,2024-11-22,Zuiderveld
2020-00003,Verwegen,,,,,,
CSV
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};

sub told {
    my ($uid, $user, $purpose, $code, @more) = @_;
    my ($status, $out, $err) =
        $trial->dossier({uid => $uid}, 'policy', 'explain', '--user', $user, '--purpose', $purpose, '--dossier', $code, @more);
    return wantarray ? ($status, $out, $err) : $out;
}
sub fact { my ($s) = $trial->dossier({uid => FUNCTIONARIS}, 'fact', @_); return $s }
sub line_of { my ($match) = @_; my @lines = split /\n/, $policy; return (grep { $lines[$_ - 1] =~ $match } 1 .. @lines)[0] }

# ---- what it says ------------------------------------------------------------------------------------------------------

my ($status, $out, $err) = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00001', '--field', 'huur');
is("$status$err", '0', 'it is told to who may ask');
like($out, qr/^purpose   huur-innen, for dossier 2020-00001 of kind huurder$/m, 'of which dossier');
like($out, qr/^at        2026-11-20 12:00:00$/m, 'and when');
like($out, qr/^term +contract +not running$/m, 'a term that does not run');
like($out, qr/^   ok  the dossier has a value for field huur/m, 'a condition that holds');
like($out, qr/^huur is shown  \(\S+policy\.ini:\d+\)$/m, 'shown, with the line');
unlike($out, qr/612|Assumed/, 'no value, and nothing is assumed');
$out = told(FUNCTIONARIS, KLANTCONTACT, 'communicatie', '2020-00001', '--field', 'rekeningnummer');
my $mask = line_of(qr/^mask +=.*last4/);
like($out, qr/^rekeningnummer is masked: .*  \(\S+policy\.ini:$mask\)$/m, 'masked, with the line of the mask');
unlike($out, qr/7673/, 'and no value');
$out = told(FUNCTIONARIS, OPZICHTER, 'huur-innen', '2020-00001', '--field', 'huur');
like($out, qr/^=> no  no role of the caller has purpose huur-innen  \(\S+policy\.ini:\d+\)$/m, 'refused: the first that failed is marked');
$out = told(FUNCTIONARIS, STRANGER, 'huur-innen', '2020-00001', '--field', 'huur');
like($out, qr/^huur is hidden$/m, 'and a stranger sees nothing');
$out = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00003', '--field', 'huur');
like($out, qr/^term +contract +there is no value$/m, 'where nothing is kept');
like($out, qr/^=> no  there is no such dossier, or it has no value for field huur/m, 'it is absent');

# ---- terms -------------------------------------------------------------------------------------------------------------

$out = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00002');
like($out, qr/^term +naam +ends at 2026-11-23 00:00:00$/m, 'a term that runs');
like($out, qr/^achternaam +shown/m, 'and shows');
at_time('2026-11-23 00:00:00');
$out = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00002');
like($out, qr/^term +naam +ended at 2026-11-23 00:00:00$/m, 'and ends');
my $retention = line_of(qr/^retention = 2y after einddatum$/);
like($out, qr/^achternaam +hidden +the term of its category has ended, \S+policy\.ini:$retention$/m, 'which hides it');
like($out, qr/^rekeningnummer +shown/m, 'but not what has a longer term');
at_time('2026-11-20 12:00:00');
is(fact('set', 'hold', '2020-00002', 'naam', '--reason', 'court'), 0, 'a hold');
at_time('2026-11-23 00:00:00');
like(told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00002'), qr/^term +naam +a hold or an incident keeps it$/m, 'is told');
is(fact('end', 'hold', '2020-00002', 'naam'), 0, 'and ends');

# ---- secrecy and agreement ---------------------------------------------------------------------------------------------

$out = told(FUNCTIONARIS, DEURWAARDER, 'huur-innen', '2020-00001', '--field', 'achternaam');
like($out, qr/^agreement +deurwaarder +not in force$/m, 'an agreement that is over');
like($out, qr/^=> no  purpose huur-innen rests on an agreement that is not in force today/m, 'hides');
$out = told(FUNCTIONARIS, OUD, 'huur-innen', '2020-00001');
like($out, qr/^secrecy   not bound on this day$/m, 'secrecy that is over');

# ---- what is registered ------------------------------------------------------------------------------------------------

sub news { return told(FUNCTIONARIS, KLANTCONTACT, 'nieuwsbrief', '2020-00001', '--field', 'telefoon') }
like(news(), qr/^consent +nieuwsbrief +none\n(?:.*\n)*?telefoon is hidden$/ms, 'no consent');
is(fact('set', 'consent', '2020-00001', 'nieuwsbrief', '--reason', 'by letter'), 0, 'a consent');
like(news(), qr/^consent +nieuwsbrief +given\n(?:.*\n)*?telefoon is shown /ms, 'shows');
is(fact('set', 'opt-out', '2020-00001', 'nieuwsbrief', '--reason', 'by letter'), 0, 'an opt-out');
like(news(), qr/^objection +nieuwsbrief +holds\n(?:.*\n)*?telefoon is hidden$/ms, 'hides');
is(fact('end', 'opt-out', '2020-00001', 'nieuwsbrief') . fact('end', 'consent', '2020-00001', 'nieuwsbrief'), '00', 'both end');
like(news(), qr/^consent +nieuwsbrief +none\n(?:.*\n)*?=> no  no consent of the subject for purpose nieuwsbrief holds/ms, 'withdrawn');
is(fact('set', 'restriction', '2020-00001', 'naam', '--reason', 'by letter'), 0, 'a restriction');
$out = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00001', '--field', 'achternaam');
like($out, qr/^restriction +naam +holds\n(?:.*\n)*?=> no  category naam is restricted for this subject/ms, 'hides');
is(($trial->dossier({uid => KLANTCONTACT}, 'fact', 'set', 'calamity', '2020-00001', 'redding', '--reason', 'fire'))[0], 0, 'a calamity');
like(told(FUNCTIONARIS, KLANTCONTACT, 'redding', '2020-00001'), qr/^calamity +redding +declared by this person\n(?:.*\n)*?telefoon +shown/ms,
    'shows to who declared it');
like(told(FUNCTIONARIS, OPZICHTER, 'redding', '2020-00001'), qr/^calamity +redding +none of this person\n(?:.*\n)*?telefoon +hidden/ms,
    'and to nobody else');

# ---- caseload ----------------------------------------------------------------------------------------------------------

my $inside = told(FUNCTIONARIS, OPZICHTER, 'onderhoud', '2020-00001');
like($inside, qr/^caseload +opzichter +inside\n(?:.*\n)*?telefoon +shown/ms, 'inside the caseload');
my $outside = told(FUNCTIONARIS, OPZICHTER, 'onderhoud', '2020-00002');
like($outside, qr/^caseload +opzichter +not inside\n(?:.*\n)*?telefoon +hidden/ms, 'outside it');
unlike("$inside$outside", qr/Noordwijkerhout|Zuiderveld/, 'what it goes by is not told');

# ---- it says what opening does -----------------------------------------------------------------------------------------

my (@otherwise, %verdicts);
for my $code ('2020-00001', '2020-00002', '2020-00003') {
    for my $purpose (qw(huur-innen communicatie onderhoud nieuwsbrief redding)) {
        for my $uid (INCASSO, KLANTCONTACT, OPZICHTER, DEURWAARDER, OUD) {
            my %told = told(FUNCTIONARIS, $uid, $purpose, $code) =~ /^(\w+) +(shown|masked|hidden)\b/mg;
            for my $field (qw(achternaam telefoon geboortedatum rekeningnummer huur einddatum wijk)) {
                my $text = slurp_as($uid, "$mnt/$purpose/$code/$field.txt");
                my $seen = $text eq 'ENOENT' ? 'hidden' : $text =~ /^(?:\d{4}-\*|\W+7673|\W+9654)/ ? 'masked' : 'shown';
                my $verdict = $told{$field} // 'hidden'; # a field that the purpose does not list
                $verdicts{$verdict}++;
                push @otherwise, "$uid $purpose/$code/$field: told $verdict, seen $seen" if $verdict ne $seen;
            }
        }
    }
}
is("@otherwise", '', 'for each person, purpose, dossier and field') or diag(join "\n", @otherwise);
ok($verdicts{shown} && $verdicts{masked} && $verdicts{hidden}, 'some are shown, some masked, some hidden');

# ---- who may -----------------------------------------------------------------------------------------------------------

for my $uid (INCASSO, STRANGER, 0) {
    my @here = told($uid, $uid, 'huur-innen', '2020-00001');
    is($here[0], 1, "$uid has no right");
    like($here[2], $uid == STRANGER ? qr/no account has your uid, 61999,/ : qr/no role of yours has "policy\.explain"/, 'and is told so');
    is_deeply([told($uid, $uid, 'huur-innen', '2020-09999')], \@here, 'the same for a code that is none');
}
($status, $out, $err) = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-09999');
is("$status $out", '1 ', 'who has it learns');
like($err, qr/there is no dossier with this code/, 'that there is none');
is((told(FUNCTIONARIS, 'nobody-of-that-name', 'huur-innen', '2020-00001'))[0], 1, 'no such account');
($status, $out, $err) = told(FUNCTIONARIS, INCASSO, 'huurinnen', '2020-00001');
is($status, 2, 'no such purpose');
like($err, qr/did you mean "huur-innen"/, 'and a near one');
($status, $out, $err) = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00001', '--field', 'hur');
like($err, qr/no field "hur"; did you mean "huur"/, 'no such field');
is((told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00001', $_->[0], $_->[1]))[0], 2, "not with $_->[0]")
    for ['--at', '2026-01-01'], ['--kind', 'huurder'];

# ---- the log -----------------------------------------------------------------------------------------------------------

my @entries = $trial->log_entries('--what', 'explain', '--subject', '2020-00001');
is(join(' ', @{$entries[0]}{qw(uid outcome purpose name role)}), '61004 shown huur-innen 61001: huur functionaris', 'an entry for each');
is(join('', map { $_->{fields} } @entries), '', 'no field was shown by it');
@entries = $trial->log_entries('--what', 'explain', '--outcome', 'refused', '--subject', '2020-09999');
is(join(' ', map { "$_->{uid} $_->{rule}" } @entries), '61004 absent', 'a code that is none too');
($status, $out) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'who-saw', '2020-00001');
like($out, qr/\(explain\)/, 'who-saw tells it');

# ---- not mounted -------------------------------------------------------------------------------------------------------

my $mounted = told(FUNCTIONARIS, INCASSO, 'huur-innen', '2020-00002');
$trial->stop;
my $unmounted = told(0, INCASSO, 'huur-innen', '2020-00002');
is($unmounted, $mounted, 'not mounted, whoever holds the key is told the same');
@entries = $trial->log_entries('--what', 'explain');
is("$entries[-1]{uid} $entries[-1]{name}", '0 61001', 'and is in the log');
$trial->verify;
done_testing();
