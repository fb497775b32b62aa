#!/usr/bin/perl
# Goal: through the mount, special data shows to the role that is trusted with it and to nobody else; what a role may only drop, or
# see of its own, is not there; masks say what they leave; a purpose that needs a fact which nobody recorded has no dossiers; and a
# recipient sees what his agreement names, from its first second to its last.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('faketime');
use constant {ZORG => 61010, BALIE => 61011, MELDPUNT => 61012, CONSULENT => 61013, BELLER => 61014, DEURWAARDER => 61020};
my $trial = Trial->new(csv => undef, policy => Trial::small_policy() . <<'POLICY');
bound += 61010 2020-01-01, 61011 2020-01-01, 61012 2020-01-01, 61013 2020-01-01, 61014 2020-01-01
bound += 61020 2020-01-01
[category zorg]
retention = 2y after einddatum
[category notities]
retention = 2y after einddatum
[field beperking]
category = zorg
type     = text
special  = health
[field hulpmiddel]
category = zorg
type     = text
[field notitie]
category = notities
type     = text
[field email]
category = notities
type     = email
[field kenmerk]
category = notities
type     = text
[purpose aanpassing]
ground        = A
second-ground = a consent on paper
kinds         = huurder
fields        = achternaam, zorg, beperking
[purpose overlast]
ground    = C
balancing = weighed in the trial
kinds     = huurder
fields    = achternaam, notities
[purpose nieuwsbrief]
ground = D
kinds  = huurder
fields = email
[role zorg-consulent]
members  = 61010
purposes = aanpassing
special  = beperking
[role balie]
members  = 61011
purposes = aanpassing, nieuwsbrief
[role meldpunt]
members  = 61012
purposes = overlast
drop     = notitie
[role consulent]
members  = 61013
purposes = overlast
own      = notitie
[role beller]
members  = 61014
purposes = overlast
mask     = achternaam:text=niet getoond, email:domain, notitie:yes-no, kenmerk:last2
[recipient deurwaarder]
agreement = verwerkersovereenkomst
signed    = 2026-03-01
until     = 2026-03-31
members   = 61020
purposes  = huur-innen, communicatie
fields    = achternaam, rekeningnummer
POLICY
$trial->at_time('2026-02-28 23:59:59');
$trial->import_csv(<<'CSV');
code,achternaam,telefoon,rekeningnummer,beperking,hulpmiddel,notitie,email,kenmerk
2020-00001,Noordstam,+31612345678,NL54TEST3514607673,rolstoel,drempelhulp,belt laat,a.noordstam@voorbeeld.example,Z-4711
CSV
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

sub listed { my ($uid, @path) = @_; return names_as($uid, $trial->at(@path)) }
sub read_as { my ($uid, @path) = @_; return slurp_as($uid, $trial->at(@path)) }
my @one = '2020-00001';

# ---- special data --------------------------------------------------------------------------------------------------------

is(listed(ZORG, 'aanpassing', @one), 'achternaam.txt beperking.txt dossier.txt hulpmiddel.txt', 'trusted: special data is listed');
is(read_as(ZORG, 'aanpassing', @one, 'beperking.txt'), "rolstoel\n", 'and read');
is(listed(BALIE, 'aanpassing', @one), 'achternaam.txt dossier.txt hulpmiddel.txt', 'the same purpose without that trust: it is not');
is(read_as(BALIE, 'aanpassing', @one, 'beperking.txt'), 'ENOENT', 'nor opened');
unlike(read_as(BALIE, 'aanpassing', @one, 'dossier.txt'), qr/rolstoel/, 'nor in the whole dossier');

# ---- own and drop ----------------------------------------------------------------------------------------------------------

is(listed(MELDPUNT, 'overlast', @one), 'achternaam.txt dossier.txt email.txt kenmerk.txt', 'what may only be dropped is not read back');
is(read_as(MELDPUNT, 'overlast', @one, 'notitie.txt'), 'ENOENT', 'nor opened');
is(read_as(CONSULENT, 'overlast', @one, 'notitie.txt'), 'ENOENT', "what another wrote is not one's own");
is(read_as(CONSULENT, 'overlast', @one, 'kenmerk.txt'), "Z-4711\n", 'the rest of its category is');

# ---- masks -------------------------------------------------------------------------------------------------------------------

is(read_as(BELLER, 'overlast', @one, 'achternaam.txt'), "niet getoond\n", 'a fixed text');
is(read_as(BELLER, 'overlast', @one, 'email.txt'), "************voorbeeld.example\n", 'a domain');
is(read_as(BELLER, 'overlast', @one, 'notitie.txt'), "yes\n", 'that there is a value');
is(read_as(BELLER, 'overlast', @one, 'kenmerk.txt'), "****11\n", 'the last two characters');
unlike(read_as(BELLER, 'overlast', @one, 'dossier.txt'), qr/Noordstam|belt laat|Z-47/, 'and no more in the whole dossier');

# ---- a fact that nobody recorded ---------------------------------------------------------------------------------------------

is(listed(BALIE, 'nieuwsbrief'), '', 'without a consent no dossier is listed');
is(listed(BALIE, 'nieuwsbrief', @one), 'ENOENT', 'nor there');

# ---- an agreement, from its first day to its last ---------------------------------------------------------------------------

sub sees {
    my ($moment, $purposes, $dossiers, $what) = @_;
    $trial->at_time($moment);
    is(join(' ', grep { !/\./ } split ' ', listed(DEURWAARDER)), $purposes, "$what: his purposes");
    is(listed(DEURWAARDER, 'huur-innen'), $dossiers || 'ENOENT', "$what: the dossiers");
    is(listed(DEURWAARDER, 'huur-innen', @one), $dossiers ? 'achternaam.txt dossier.txt rekeningnummer.txt' : 'ENOENT',
        "$what: what is in one");
    is(read_as(DEURWAARDER, 'huur-innen', @one, 'achternaam.txt'), $dossiers ? "Noordstam\n" : 'ENOENT', "$what: a field");
    return;
}
sees('2026-02-28 23:59:59', '', '', 'the last second before it');
like(read_as(DEURWAARDER, 'mijn-toegang.txt'), qr/deurwaarder \(the agreement is not in force today\)/, 'his own page says so');
sees('2026-03-01 00:00:00', 'communicatie huur-innen', @one, 'its first second');
is(read_as(DEURWAARDER, 'huur-innen', @one, 'huur.txt'), 'ENOENT', 'a field that it does not name');
is(read_as(DEURWAARDER, 'communicatie', @one, 'telefoon.txt'), 'ENOENT', 'nor in another purpose');
sees('2026-03-31 23:59:59', 'communicatie huur-innen', @one, 'its last second');
sees('2026-04-01 00:00:00', '', '', 'the first second after it');
is($trial->stop, 0, 'ends');
is($trial->verify, 5, 'and the log holds');
done_testing;
