#!/usr/bin/perl
# Goal: what is registered of a dossier stays with its purpose and category when the policy changes around them while it is mounted:
# purposes that come before, in another order, under another ground; and what is open is decided about with it.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe');
my $first = Trial::small_policy();
$first =~ s/^(commands = log\..*)$/$1, fact.*, status/m or die;
$first =~ s/(purposes = communicatie\nmask)/purposes = communicatie, nieuwsbrief, hulp\nmask/ or die;
$first =~ s/^\[role incasso\]/<<'MORE' . '[role incasso]'/me or die;
[purpose nieuwsbrief]
ground = D
kinds  = huurder
fields = telefoon
[purpose hulp]
ground    = C
balancing = weighed in the trial
kinds     = huurder
fields    = achternaam, telefoon
MORE
my $trial = Trial->new(policy => $first, programs => ['probe']);
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $mnt = $trial->{mnt};

sub sets { my ($status) = $trial->dossier({uid => FUNCTIONARIS}, 'fact', 'set', @_, '--reason', 'by letter'); return $status }
sub sees { my ($path) = @_; my $text = slurp_as(KLANTCONTACT, "$mnt/$path/telefoon.txt"); chomp $text; return $text }
sub install {
    my ($text, $label) = @_;
    $text =~ s/^(\[role incasso\]\nlabel    = ).*/$1$label/m or die; # a change of people alone
    Trial::write_file("$trial->{policy}.new", $text);
    rename "$trial->{policy}.new", $trial->{policy} or die;
    my ($said) = $trial->said =~ /\A(.*)\z/s;
    return ok(until_true(5, sub { substr($trial->said, length $said) =~ /is in force/ }), "in force: $label")
        || diag(substr $trial->said, length $said);
}
sub as_before {
    my ($when) = @_;
    is(sees('hulp/2020-00001'), 'ENOENT', "$when: the objection");
    is(sees('hulp/2020-00002'), '+31687654321', "$when: and no other dossier's");
    is(sees('nieuwsbrief/2020-00002'), '+31687654321', "$when: the consent");
    is(sees('nieuwsbrief/2020-00001'), 'ENOENT', "$when: and no other dossier's");
    is(sees('communicatie/2020-00001'), '+31612345678', "$when: a purpose without facts");
    return;
}

is(sets('objection', '2020-00001', 'hulp'), 0, 'an objection');
is(sets('consent', '2020-00002', 'nieuwsbrief'), 0, 'a consent');
as_before('at first');
my $klant = $trial->probe(KLANTCONTACT);
is($klant->ask("open 0 $mnt/nieuwsbrief/2020-00002/telefoon.txt"), '0', 'what rests on the consent is open');
is($klant->ask("open 1 $mnt/hulp/2020-00002/telefoon.txt"), '0', 'and what nobody objected to');

my $new = "[purpose eerst]\nground = A\nkinds = huurder\nfields = naam\n[purpose huur-innen]";
(my $before = $first) =~ s/^\[purpose huur-innen\]/$new/m or die;
install($before, 'a new purpose before the others');
as_before('a new purpose');
is($klant->ask("read $_"), "+31687654321\n", "what was open goes on: $_") for 0, 1;

my ($letter) = $first =~ /^(\[purpose nieuwsbrief\]\n.*?)^\[/ms or die;
(my $order = $first) =~ s/\Q$letter\E// or die;
$order =~ s/^(\[purpose huur-innen\])/$letter$1/m or die;
install($order, 'another order');
as_before('another order');

# Of a new fact under the new order, and a restart.
is(sets('objection', '2020-00002', 'hulp'), 0, 'another objection');
is(sees('hulp/2020-00002'), 'ENOENT', 'holds');
ok(until_true(3, sub { $klant->ask('read 1') eq 'ESTALE' }), 'for what is open');
is(sees('nieuwsbrief/2020-00002'), '+31687654321', 'and for nothing else');
$klant->end;
$trial->stop;
ok($trial->start, 'mounts again') or BAIL_OUT($trial->said);
is(sees('hulp/2020-00002') . sees('hulp/2020-00001'), 'ENOENTENOENT', 'both objections');
is(sees('nieuwsbrief/2020-00002'), '+31687654321', 'and the consent');
is($trial->stop, 0, 'ends with 0');
done_testing;
