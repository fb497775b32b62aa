#!/usr/bin/perl
# Goal: everybody finds what he did last on his own page, at once and after a new start, and nobody else's; a dossier goes by its code
# there only while he sees it, so that hidden and absent look the same; a long log keeps nobody waiting.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs();
my $policy = Trial::small_policy();
my $trial = Trial->new(policy => $policy);
my $mnt = $trial->{mnt};
my $page = "$mnt/mijn-toegang.txt";
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);

# The lines about what the person did, without their times.
sub did {
    my ($uid) = @_;
    my ($part) = slurp_as($uid, $page) =~ /^Your last entries in the log .*\n((?:  .*\n)*)/m or return ['no such part'];
    return [map { s/^  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  //r } split /\n/, $part];
}

is_deeply(did(INCASSO), ['  none'], 'nothing yet');
is_deeply(did(INCASSO), ['  none'], 'to read the page is not worth a line');
slurp_as(INCASSO, "$mnt/huur-innen/2020-00001/huur.txt");
is_deeply(did(INCASSO), ['opened, shown: huur-innen/2020-00001/huur'], 'what was opened is there at once');
names_as(INCASSO, $mnt);
names_as(INCASSO, "$mnt/huur-innen");
names_as(INCASSO, "$mnt/huur-innen/2020-00002");
slurp_as(INCASSO, "$mnt/huur-innen/2020-00002/dossier.txt");
my @incasso = ('opened, shown: huur-innen/2020-00001/huur', 'listed, shown: huur-innen/', 'listed, shown: huur-innen/2020-00002',
    'opened whole, shown: huur-innen/2020-00002/dossier.txt');
is_deeply(did(INCASSO), \@incasso, 'listings of purposes and dossiers, and a whole dossier, in their order');
slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-00001/geboortedatum.txt");
is_deeply(did(KLANTCONTACT), ['opened, shown masked: communicatie/2020-00001/geboortedatum'], 'another has his own');
is_deeply(did(INCASSO), \@incasso, 'and not his');
my ($status) = $trial->dossier({uid => FUNCTIONARIS}, 'log', 'show');
is_deeply(did(FUNCTIONARIS), ['command, done: log.show'], 'a command');
my ($size) = as_uid(INCASSO, sub { (stat $page)[7] });
is($size, length slurp_as(INCASSO, $page), 'the page is as long as it says');

# Looks and refusals are logged in the background.
slurp_as(OPZICHTER, "$mnt/onderhoud/2020-00003/telefoon.txt"); # there, and he sees nothing of it
slurp_as(OPZICHTER, "$mnt/onderhoud/2020-00009/telefoon.txt"); # not there
ok(until_true(5, sub { @{did(OPZICHTER)} == 2 }), 'what was refused');
is_deeply(did(OPZICHTER), [('looked for, refused: onderhoud/-') x 2], 'looks the same whether it is there or not');

# ---- a policy that takes away, and a new start ---------------------------------------------------------------------------------

Trial::write_file($trial->{policy}, $policy =~ s/^purposes = huur-innen, communicatie$/purposes = communicatie/mr);
ok(until_true(10, sub { names_as(INCASSO, "$mnt/huur-innen") eq 'ENOENT' }), 'a purpose is taken away');
ok(until_true(5, sub { $_ = join '|', @{did(INCASSO)}; m{^opened, shown: huur-innen/-/huur\|} }), 'what was opened for it has no code any more') or diag($_);
unlike(slurp_as(INCASSO, $page) =~ s/^Last refusals.*?\n\n//msr, qr/2020-0000[12]/, 'nor any other line');
Trial::write_file($trial->{policy}, $policy);
ok(until_true(10, sub { names_as(INCASSO, "$mnt/huur-innen") ne 'ENOENT' }), 'it comes back');
my $before = did(INCASSO);
is($before->[0], $incasso[0], 'and so does the code');
kill 'KILL', $trial->{daemon};
$trial->ended(15);
ok($trial->start, 'after a kill') or BAIL_OUT($trial->said);
is_deeply(did(INCASSO), $before, 'the page is what it was');

# ---- fifty, in Dutch ------------------------------------------------------------------------------------------------------------

slurp_as(KLANTCONTACT, "$mnt/communicatie/2020-0000$_/achternaam.txt") for map { (1, 2, 3) } 1 .. 20;
is(scalar @{did(KLANTCONTACT)}, 50, 'no more than fifty');
unlike(join('', @{did(KLANTCONTACT)}), qr/geboortedatum/, 'of which the oldest went');
Trial::write_file($trial->{policy}, $policy =~ s/^(timezone.*)$/$1\nlanguage = nl/mr);
ok(until_true(10, sub { slurp_as(KLANTCONTACT, $page) =~ /^Uw laatste regels in het log \(hoogstens 50, van 30 dagen\)\n  .*geopend, getoond: communicatie\/2020-0000\d\/achternaam$/m }),
    'in the language of the policy');
like(slurp_as(KLANTCONTACT, $page), qr/^U bent: uid 61002\nRollen:  Klantcontact\n/m, 'the page too');
is($trial->stop, 0, 'ends');
is($trial->verify, 5, 'the log verifies');
done_testing;
