#!/usr/bin/perl
# Goal: what is registered of a dossier decides at once and for everybody, and only what it is about: consent, opt-out, objection,
# restriction, incident, hold and calamity; the caseload of a role too. All of it is in the log, and survives a kill.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Trial;

Trial::needs('probe', 'faketime');
my $policy = Trial::small_policy();
$policy =~ s/(purposes = communicatie\nmask)/purposes = communicatie, nieuwsbrief, hulp, redding\nmask/;
$policy =~ s/(purposes = onderhoud\n)/purposes = onderhoud, veiligheid, redding\ncaseload = wijk: Noord, Oost\n/;
$policy =~ s/commands = log\.\*/commands = log.*, fact.*/ or die;
$policy .= <<'MORE';
bound += 61006 2020-01-01
[category camera]
retention = 28d after opgenomen
incident  = required
roles     = opzichter
[category plaats]
[field wijk]
category = plaats
type     = text
[field opgenomen]
category = camera
type     = date
[field beeld]
category = camera
type     = text
[purpose nieuwsbrief]
ground = D
kinds  = huurder
fields = telefoon
[purpose hulp]
ground    = C
balancing = weighed in the trial
kinds     = huurder
fields    = achternaam, telefoon
[purpose redding]
ground = E
kinds  = huurder
fields = telefoon, achternaam
[purpose veiligheid]
ground    = C
balancing = weighed in the trial
kinds     = huurder
fields    = camera
[purpose plicht]
ground              = B
article             = Wet X, art. 1
despite-restriction = a legal duty
kinds               = huurder
fields              = achternaam
[role plichten]
members  = 61006
purposes = plicht, hulp
MORE
my $trial = Trial->new(policy => $policy, programs => ['probe'], csv => undef);
use constant PLICHTEN => 61006;
sub at_time { return $trial->at_time(@_) }

at_time('2026-11-20 12:00:00');
$trial->import_csv(<<'CSV');
code,achternaam,telefoon,einddatum,wijk,opgenomen,beeld
2020-00001,Noordstam,+31612345678,,Noord,2026-11-10,straat
2020-00002,Quintbrugge,+31687654321,,Zuid,2026-11-01,hal
2020-00003,Verwegen,+31611111111,2024-11-22,Oost,,
CSV
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};

# As an officer, unless said otherwise. (status, text)
sub fact {
    my ($uid, @words) = @_;
    my ($status, $out, $err) = $trial->dossier({uid => $uid}, 'fact', @words);
    return wantarray ? ($status, "$out$err") : $status;
}
sub sets { return fact(FUNCTIONARIS, 'set', @_[0 .. 2], '--reason', 'asked by letter', @_[3 .. $#_]) }
sub ends { return fact(FUNCTIONARIS, 'end', @_) }
sub sees { my ($uid, $path) = @_; my $text = slurp_as($uid, "$mnt/$path"); chomp $text; return $text }

# ---- consent -----------------------------------------------------------------------------------------------------------

is(names_as(KLANTCONTACT, "$mnt/nieuwsbrief"), '', 'ground D without a consent: no dossier');
is(sees(KLANTCONTACT, 'nieuwsbrief/2020-00001/telefoon.txt'), 'ENOENT', 'and no field');
is(scalar sets('consent', '2020-00001', 'nieuwsbrief'), 0, 'a consent is registered');
is(names_as(KLANTCONTACT, "$mnt/nieuwsbrief"), '2020-00001', 'and shows that dossier alone');
is(sees(KLANTCONTACT, 'nieuwsbrief/2020-00001/telefoon.txt'), '+31612345678', 'its field too');
is(scalar sets('opt-out', '2020-00001', 'nieuwsbrief'), 0, 'an opt-out is registered');
is(sees(KLANTCONTACT, 'nieuwsbrief/2020-00001/telefoon.txt'), 'ENOENT', 'and hides it, consent or not');
is(scalar ends('opt-out', '2020-00001', 'nieuwsbrief'), 0, 'it ends');
is(sees(KLANTCONTACT, 'nieuwsbrief/2020-00001/telefoon.txt'), '+31612345678', 'and it shows again');
is(scalar ends('consent', '2020-00001', 'nieuwsbrief'), 0, 'the consent is withdrawn');
is(names_as(KLANTCONTACT, "$mnt/nieuwsbrief"), '', 'and it is gone');
is(scalar ends('consent', '2020-00001', 'nieuwsbrief'), 1, 'what has ended does not end again');
is(scalar sets('consent', '2020-00001', 'nieuwsbrief', '--until', '2026-11-20 12:30'), 0, 'a consent for half an hour');
is(sees(KLANTCONTACT, 'nieuwsbrief/2020-00001/telefoon.txt'), '+31612345678', 'shows');
at_time('2026-11-20 12:30:00');
is(sees(KLANTCONTACT, 'nieuwsbrief/2020-00001/telefoon.txt'), 'ENOENT', 'and is over at its second');

# ---- objection, restriction, and the legal duty --------------------------------------------------------------------------

is(sees(KLANTCONTACT, 'hulp/2020-00001/achternaam.txt'), 'Noordstam', 'ground C shows');
is(scalar sets('objection', '2020-00001', 'hulp'), 0, 'an objection');
is(sees(KLANTCONTACT, 'hulp/2020-00001/achternaam.txt'), 'ENOENT', 'hides it for that purpose');
is(sees(PLICHTEN, 'hulp/2020-00001/achternaam.txt'), 'ENOENT', 'for everybody');
is(sees(KLANTCONTACT, 'communicatie/2020-00001/achternaam.txt'), 'Noordstam', 'and for no other purpose');
is(sees(KLANTCONTACT, 'hulp/2020-00002/achternaam.txt'), 'Quintbrugge', 'nor another dossier');
is(scalar sets('objection', '2020-00001', 'communicatie'), 2, 'an objection to a contract is refused');
is(scalar sets('restriction', '2020-00002', 'naam'), 0, 'a restriction');
is(sees(KLANTCONTACT, 'hulp/2020-00002/achternaam.txt'), 'ENOENT', 'hides the category for one purpose');
is(sees(INCASSO, 'huur-innen/2020-00002/achternaam.txt'), 'ENOENT', 'and another');
is(sees(KLANTCONTACT, 'hulp/2020-00002/telefoon.txt'), '+31687654321', 'but no other category');
is(sees(PLICHTEN, 'plicht/2020-00002/achternaam.txt'), 'Quintbrugge', 'a legal duty goes on');

# ---- caseload ---------------------------------------------------------------------------------------------------------------

is(names_as(OPZICHTER, "$mnt/onderhoud"), '2020-00001 2020-00003', 'a role sees the dossiers of its districts');
is(sees(OPZICHTER, 'onderhoud/2020-00002/telefoon.txt'), 'ENOENT', 'and no other');
is(sees(OPZICHTER, 'onderhoud/2020-00001/wijk.txt'), 'ENOENT', 'the field that says so stays hidden');

# ---- incident -----------------------------------------------------------------------------------------------------------------

is(names_as(OPZICHTER, "$mnt/veiligheid"), '', 'no incident: no camera');
is(scalar sets('incident', '2020-00001', 'camera', '--from', '2026-10-01', '--until', '2026-11-09'), 0, 'an incident of before');
is(sees(OPZICHTER, 'veiligheid/2020-00001/beeld.txt'), 'ENOENT', 'does not cover it');
is(scalar sets('incident', '2020-00001', 'camera', '--from', '2026-11-10', '--until', '2026-11-10'), 0, 'an incident of that day');
is(sees(OPZICHTER, 'veiligheid/2020-00001/beeld.txt'), 'straat', 'does');
is(sees(KLANTCONTACT, 'veiligheid/2020-00001/beeld.txt'), 'ENOENT', 'and for that role alone');
is(scalar sets('incident', '2020-00001', 'contact'), 2, 'other categories have no incidents');
at_time('2026-12-25 12:00:00');
is(sees(OPZICHTER, 'veiligheid/2020-00001/beeld.txt'), 'straat', 'an open incident keeps it past its 28 days');
is(scalar ends('incident', '2020-00001', 'camera'), 0, 'the incident is handled');
is(sees(OPZICHTER, 'veiligheid/2020-00001/beeld.txt'), 'ENOENT', 'and it is gone');

# ---- calamity -----------------------------------------------------------------------------------------------------------------

at_time('2026-11-21 12:00:00');
is(names_as(KLANTCONTACT, "$mnt/redding"), '', 'no calamity: nothing');
is(scalar fact(INCASSO, 'set', 'calamity', '2020-00001', 'redding', '--reason', 'fire'), 1, 'who has no such purpose declares none');
is(scalar fact(KLANTCONTACT, 'set', 'calamity', '2020-00001', 'redding'), 2, 'nor anybody without a reason');
is(scalar fact(KLANTCONTACT, 'set', 'calamity', '2020-00001', 'redding', '--reason', 'fire', '--until', '2026-11-23'), 2,
    'nor for two days');
is(scalar fact(KLANTCONTACT, 'set', 'calamity', '2020-00001', 'redding', '--reason', 'fire in the street'), 0, 'a calamity');
is(names_as(KLANTCONTACT, "$mnt/redding"), '2020-00001', 'shows that dossier');
is(sees(KLANTCONTACT, 'redding/2020-00001/telefoon.txt'), '+31612345678', 'to who declared it');
is(sees(OPZICHTER, 'redding/2020-00001/telefoon.txt'), 'ENOENT', 'and to nobody else');
at_time('2026-11-21 13:00:00');
is(names_as(KLANTCONTACT, "$mnt/redding"), '', 'for an hour');
my ($status, $text) = fact(FUNCTIONARIS, 'list', 'calamity', '--json');
my $waits = decode_json($text);
is("$status $waits->{code} $waits->{reason} $waits->{set_uid} $waits->{state}", '0 2020-00001 fire in the street 61002 ended',
    'it waits for a review');
is(scalar fact(KLANTCONTACT, 'review', '2020-00001', $waits->{number}), 1, 'not by who has no right');
is(scalar fact(FUNCTIONARIS, 'review', '2020-00001', $waits->{number}), 0, 'by somebody else');
(undef, $text) = fact(FUNCTIONARIS, 'list', 'calamity', '--json');
is($text, '', 'and waits no more');
is(scalar fact(FUNCTIONARIS, 'review', '2020-00001', $waits->{number}), 1, 'once');

# ---- a hold -----------------------------------------------------------------------------------------------------------------------

at_time('2026-11-22 12:00:00');
is(scalar sets('hold', '2020-00003', 'naam', '--until', '2026-11-24'), 0, 'a hold, before the term ends');
at_time('2026-11-24 23:59:59');
is(sees(INCASSO, 'huur-innen/2020-00003/achternaam.txt'), 'Verwegen', 'keeps what the term would have ended');
is(sees(INCASSO, 'huur-innen/2020-00003/einddatum.txt'), 'ENOENT', 'and no other category');
at_time('2026-11-25 00:00:00');
is(sees(INCASSO, 'huur-innen/2020-00003/achternaam.txt'), 'ENOENT', 'until its last second');
is(scalar sets('hold', '2020-00003', 'naam'), 0, 'a hold after that');
is(sees(INCASSO, 'huur-innen/2020-00003/achternaam.txt'), 'ENOENT', 'brings nothing back');

# ---- rights, names, and words ---------------------------------------------------------------------------------------------------------

is(scalar fact(INCASSO, 'set', 'consent', '2020-00001', 'nieuwsbrief', '--reason', 'x'), 1, 'not without the right');
is(scalar fact(INCASSO, 'list', 'all', '2020-00001'), 1, 'nor a list');
is(scalar sets('consent', '2020-99999', 'nieuwsbrief'), 1, 'no such dossier');
is(scalar sets('consent', '2020-00001', 'onderhoud'), 2, 'no consent to what does not rest on it');
is(scalar sets('consent', '2020-00001', 'nergens'), 2, 'no such purpose');
like((sets('consnet', '2020-00001', 'nieuwsbrief'))[1], qr/did you mean "consent"/, 'no such word');
is(scalar fact(FUNCTIONARIS, 'set', 'hold', '2020-00001', 'naam', '--reason', 'x' x 161), 2, 'no reason that is too long');
is(scalar fact(FUNCTIONARIS, 'set', 'hold', '2020-00001', 'naam', '--reason', "a\nb"), 2, 'nor of two lines');
(undef, $text) = fact(FUNCTIONARIS, 'list', 'all', '2020-00001');
like($text, qr/^2020-00001\s+\d+\s+consent\s+nieuwsbrief\s+ended /m, 'the list for people keeps what ended');

# ---- the log, and a kill ---------------------------------------------------------------------------------------------------------------

my @facts = grep { $_->{what} eq 'fact' } $trial->log_entries('--subject', '2020-00001', '--what', 'fact');
ok(@facts >= 8, 'each is in the log, under its dossier');
is(scalar(grep { $_->{name} !~ /^(?:set|end) \S+ \S+ #\d+: asked by letter$/ } @facts), 0, 'with what was done, and why');
my @calamities = $trial->log_entries('--what', 'calamity');
is(join(' ', sort map { (split ' ', $_->{name})[0] . ":$_->{outcome}" } @calamities), 'declare:done declare:refused review:done',
    'a calamity is an entry of its own kind');
is(scalar sets('restriction', '2020-00001', 'contact'), 0, 'what was registered');
kill KILL => $trial->{daemon};
$trial->ended(10);
ok($trial->start, 'mounts after a kill') or BAIL_OUT($trial->said);
is(sees(KLANTCONTACT, 'hulp/2020-00001/telefoon.txt'), 'ENOENT', 'is still so');
is(sees(KLANTCONTACT, 'hulp/2020-00002/achternaam.txt'), 'ENOENT', 'the restriction of before too');
is(scalar ends('restriction', '2020-00002', 'naam'), 0, 'which ends');
is(sees(KLANTCONTACT, 'hulp/2020-00002/achternaam.txt'), 'Quintbrugge', 'and shows');

# ---- another policy, while it is open --------------------------------------------------------------------------------------

is(scalar ends('restriction', '2020-00001', 'contact'), 0, 'nothing is restricted');
is(scalar sets('objection', '2020-00001', 'hulp'), 0, 'an objection to one purpose');
is(sees(KLANTCONTACT, 'hulp/2020-00001/achternaam.txt'), 'ENOENT', 'which hides it there');
is(sees(KLANTCONTACT, 'communicatie/2020-00001/achternaam.txt'), 'Noordstam', 'and nowhere else');
# The purpose moves to the front, and all the others one place on.
my ($moved) = $policy =~ /^(\[purpose hulp\]\n(?:[^\[].*\n)+)/m or die;
(my $reordered = $policy) =~ s/\Q$moved\E// or die;
$reordered =~ s/^(\[purpose huur-innen\])/$moved$1/m or die;
$reordered =~ s/^label    = Klantcontact$/label    = Verplaatst/m or die;
write_file("$trial->{policy}.new", $reordered);
rename "$trial->{policy}.new", $trial->{policy} or die "rename: $!";
ok(until_true(5, sub { sees(KLANTCONTACT, 'mijn-toegang.txt') =~ /Verplaatst/ }), 'a policy with another order comes in force');
is(sees(KLANTCONTACT, 'hulp/2020-00001/achternaam.txt'), 'ENOENT', 'the objection is still to that purpose');
is(sees(KLANTCONTACT, 'communicatie/2020-00001/achternaam.txt'), 'Noordstam', 'and to no other');
is(sees(INCASSO, 'huur-innen/2020-00001/achternaam.txt'), 'Noordstam', 'nor to what stands beside it now');
$trial->stop;
$trial->verify;
done_testing();
