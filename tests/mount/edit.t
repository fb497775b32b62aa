#!/usr/bin/perl
# Goal: a policy that is edited while it is mounted: what people see changes when the edit was agreed to and not before, and a
# faulty edit never reaches the daemon.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Test::More;
use Trial;

Trial::needs('probe');
my $trial = Trial->new(programs => ['probe']);
ok($trial->start, 'mounts') or BAIL_OUT($trial->said);
my $file = "$trial->{mnt}/huur-innen/2020-00001/rekeningnummer.txt";
my $probe = $trial->probe(INCASSO);
is($probe->ask("open 0 $file") . $probe->ask('read 0'), "0NL54TEST3514607673\n", 'an account is open');

sub edit {
    my ($sed, @options) = @_;
    my $editor = Trial::write_file("$trial->{dir}/editor", "#!/bin/sh\nsed -i '$sed' \"\$1\"\ntest ! -e $trial->{dir}/slow || sleep 0.3\n");
    chmod 0755, $editor;
    return run({stdin => ''}, 'env', "VISUAL=$editor", "TMPDIR=$trial->{dir}", 'setsid', '-w', $trial->bin('dossier'), '-p', $trial->{policy},
        'policy', 'edit', @options);
}

my ($status, $out, $err) = edit('s/^fields = naam, geboorte, betaling/fields = naam, geboorte, betalink/', '--yes');
is($status, 1, 'a faulty edit') or diag("$out$err");
like($out, qr/policy\.ini:\d+: .*betalink.*betaling/, 'is told');
($status) = edit('s/^fields = naam, geboorte, betaling/fields = naam, geboorte/');
is($status, 2, 'one that nobody agreed to');
is(slurp_as(INCASSO, $file), "NL54TEST3514607673\n", 'changes nothing');
Trial::write_file("$trial->{dir}/slow", '');
($status, $out, $err) = edit('s/^fields = naam, geboorte, betaling/fields = naam, geboorte/', '--yes');
is($status, 0, 'a good one') or diag("$out$err");
like($out, qr/^-fields = naam, geboorte, betaling, contract\n\+fields = naam, geboorte, contract$/m, 'is shown');
ok(until_true(2, sub { slurp_as(INCASSO, $file) eq 'ENOENT' }), 'and is in force');
ok(until_true(3, sub { $probe->ask('read 0') eq 'ESTALE' }), 'also for what is open');
is(($trial->dossier({}, 'status'))[0], 0, 'status has no fault');
unlike($trial->said, qr/has \d+ fault/, 'and none ever reached the daemon');

# What only the daemon knows.
($status) = edit('/^\[field huur\]/,/^type/d', '--yes');
is($status, 0, 'a field with values is dropped');
ok(until_true(3, sub { ($trial->dossier({}, 'status'))[0] == 1 }), 'status has the fault');
($status, $out) = $trial->dossier({}, 'status');
like($out, qr/"huur"/, 'and names it');
is(slurp_as(INCASSO, "$trial->{mnt}/huur-innen/2020-00001/huur.txt"), "612.50\n", 'the policy before it stays in force');
rename "$trial->{policy}~", $trial->{policy} or die;
ok(until_true(3, sub { ($trial->dossier({}, 'status'))[0] == 0 }), 'the backup is a policy');
$probe->end;
is($trial->stop, 0, 'ends with 0');
done_testing;
