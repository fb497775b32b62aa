#!/usr/bin/perl
# Goal: `policy replay` through the running daemon: by who may, with groups from the directory, and with the same answer when the
# store is not mounted; the daemon opens no path that is named to it, and takes no text that is no policy.
use strict;
use warnings;
use lib 'tests/mount/lib';
use JSON::PP;
use Test::More;
use Trial;

Trial::needs();
my ($wrapper) = grep { -e } glob('/usr/lib/*/libnss_wrapper.so'), '/usr/lib64/libnss_wrapper.so';
plan skip_all => 'libnss_wrapper is not installed' unless $wrapper;

my %uid = (anna => 62001, bram => 62002, chris => 62003);
my $old = Trial::small_policy();
$old =~ s/^members  = 61001$/members  = anna, \@verhuur/m or die;
$old =~ s/^bound  = 61001 2020-01-01,/bound  = anna 2020-01-01, bram 2020-01-01, chris 2020-01-01,/m or die;
$old =~ s/^(commands = log\..*)$/$1, policy.replay/m or die;
$old =~ s/^(commands = log\..*)$/$1, fact.*/m or die;
$old =~ s/^\[role incasso\]/<<'MORE' . '[role incasso]'/me or die;
[purpose nieuwsbrief]
ground = D
kinds  = huurder
fields = telefoon
MORE
$old =~ s/(purposes = communicatie\nmask)/purposes = communicatie, nieuwsbrief\nmask/ or die;
my $trial = Trial->new(policy => $old);
my $mnt = $trial->{mnt};
my $passwd = join '', "root:x:0:0:root:/root:/bin/sh\n", map { "$_:x:$uid{$_}:$uid{$_}:$_:/:/bin/sh\n" } sort keys %uid;
Trial::write_file("$trial->{dir}/passwd", $passwd);
Trial::write_file("$trial->{dir}/group", "root:x:0:\nverhuur:x:62100:bram,chris\nbinnen:x:62101:bram\n");
my %env = (LD_PRELOAD => $wrapper, NSS_WRAPPER_PASSWD => "$trial->{dir}/passwd", NSS_WRAPPER_GROUP => "$trial->{dir}/group");
ok($trial->start(env => \%env), 'mounts') or BAIL_OUT($trial->said);

is(slurp_as($uid{$_}, "$mnt/huur-innen/2020-00001/huur.txt"), "612.50\n", "$_ opens the rent") for sort keys %uid;
slurp_as($uid{anna}, "$mnt/huur-innen/2020-00001/rekeningnummer.txt");
is(slurp_as(OPZICHTER, "$mnt/huur-innen/2020-00001/huur.txt"), 'ENOENT', 'another is refused');

my $variants = 0;
sub variant { my ($from, $to) = @_; (my $new = $old) =~ s/$from/$to/m or die; return Trial::write_file("$trial->{dir}/new" . ++$variants . '.ini', $new) }

sub replay {
    my ($options, @words) = @_;
    my ($status, $out, $err) = $trial->dossier({uid => FUNCTIONARIS, %$options}, 'policy', 'replay', @words);
    return ($status, $out, $err);
}
sub groups {
    my ($file, %options) = @_;
    my ($status, $out, $err) = replay(\%options, '--json', $file);
    is($status, 0, "replay of $file") or diag("$out$err");
    my $result = decode_json($out);
    return ($result, map { join ' ', @{$_}{qw(was would_be what purpose name role times persons)} } @{$result->{groups}});
}

my ($result, @groups) = groups($trial->{policy});
is("$result->{otherwise} $result->{already} @groups", '0 0 ', 'the policy in force changes nothing');
cmp_ok($result->{replayed}, '>=', 5, 'and decisions were taken again');

# A group of fewer people instead, and Bram only.
($result, @groups) = groups(variant(qr/^members  = anna, \@verhuur$/m, 'members  = anna, @binnen'));
is_deeply([grep { / field / } @groups], ['shown refused field huur-innen huur incasso 1 1'], 'Chris is in the group of today that goes');
($result, @groups) = groups(variant(qr/^members  = anna, \@verhuur$/m, 'members  = @verhuur'));
is_deeply([sort grep { / field / } @groups],
    ['shown refused field huur-innen huur incasso 1 1', 'shown refused field huur-innen rekeningnummer incasso 1 1'], 'Anna goes, by her account');
my $mask = variant(qr/^label    = Incasso$/m, "label    = Incasso\nmask     = huur:first1");
($result, @groups) = groups($mask);
is_deeply([grep { / field / } @groups], ['shown masked field huur-innen huur incasso 3 3'], 'a mask, three times, for three people');
like($result->{policy}, qr/^[0-9a-f]{16}$/, 'the version of the other policy is told');
my $opened = variant(qr/^purposes = onderhoud$/m, 'purposes = onderhoud, huur-innen');
($result, @groups) = groups($opened);
is_deeply(\@groups, ['refused shown look huur-innen  opzichter 1 1'], 'what was refused would show');

my ($status, $out, $err) = replay({}, $mask);
is($status, 0, 'as text');
like($out, qr/^3 would have come out otherwise\.\nWAS +WOULD BE +WHAT +PURPOSE.*\nshown +masked +field +huur-innen +huur +incasso +3 +3 .* masked \d+$/m, 'a table');
like($out, qr/^Replayed with the time, person and purpose of each entry; groups as the directory tells them today/m, 'and with which facts');
is($err, '', 'nothing else');

# ---- what was registered, then -----------------------------------------------------------------------------------------

# What is registered begins and ends with a second.
sub next_second { my $now = time; select(undef, undef, undef, 0.01) while time == $now; return }
sub fact { my ($s) = $trial->dossier({uid => FUNCTIONARIS}, 'fact', @_); return $s }
my $letter = "$mnt/nieuwsbrief/2020-00001/telefoon.txt";
is(slurp_as(KLANTCONTACT, $letter), 'ENOENT', 'without a consent it is refused');
next_second();
is(fact('set', 'consent', '2020-00001', 'nieuwsbrief', '--reason', 'by letter'), 0, 'a consent');
next_second();
is(slurp_as(KLANTCONTACT, $letter), "+31612345678\n", 'shows it');
next_second();
is(fact('end', 'consent', '2020-00001', 'nieuwsbrief'), 0, 'and is withdrawn');
($result, @groups) = groups($trial->{policy});
is("$result->{otherwise} $result->{already} @groups", '0 0 ', 'each entry is replayed with what was registered at its time');
($result, @groups) = groups(variant(qr/^ground = D$/m, 'ground = A'));
is_deeply([grep { / nieuwsbrief / } @groups],
    ['refused shown look nieuwsbrief  klantcontact 1 1'], 'without the need for a consent the first would not be refused');
($result, @groups) = groups(variant(qr/^label    = Incasso$/m, "label    = Incasso\ncaseload = achternaam: Anders"));
cmp_ok(scalar(grep { /^shown refused field huur-innen/ } @groups), '>=', 1, 'a caseload that the dossier is not in');
($result, @groups) = groups(variant(qr/^label    = Incasso$/m, "label    = Incasso\ncaseload = achternaam: Noordstam"));
is(scalar(grep { /^shown refused field huur-innen/ } @groups), 0, 'and one that it is in');

# ---- who, and what ---------------------------------------------------------------------------------------------------

($status, $out, $err) = $trial->dossier({uid => KLANTCONTACT}, 'policy', 'replay', $mask);
is($status, 1, 'whose role has no policy.replay');
like($err, qr/no role of yours has "policy\.replay"/, 'is refused');
my @commands = grep { $_->{what} eq 'command' && $_->{name} eq 'policy.replay' } $trial->log_entries;
is_deeply([map { "$_->{uid} $_->{outcome}" } @commands[-2, -1]], ['61004 done', '61002 refused'], 'both are in the log');
($status, $out, $err) = replay({}, Trial::write_file("$trial->{dir}/bad.ini", "[policy]\norganisation = X\nnonsense = 1\n"));
is($status, 1, 'a policy with faults');
like($err, qr{^bad\.ini:3: .*nonsense}m, 'is told with the line');
($status, $out, $err) = replay({}, Trial::write_file("$trial->{dir}/big.ini", '#' x (1 << 21)));
is($status, 2, 'one that is too long');
like($err, qr/longer than 1048576 bytes/, 'is told');
is((replay({}, '--days', $_, $mask))[0], 2, "--days $_") for '0', '-1', 'x', '99999999';
is((replay({}, "$trial->{dir}/none.ini"))[0], 2, 'no such file');
# Only its owner may read this one; the client opens it, not the daemon, which could.
my $secret = variant(qr/^label    = Incasso$/m, 'label    = Geheim');
chmod 0600, $secret;
chown OWNER, OWNER, $secret;
($status, $out, $err) = replay({}, $secret);
is($status, 2, 'a file that the caller may not read');
like($err, qr/Permission denied/, 'is not read by the daemon for him');
chmod 0644, $secret;
ok($trial->mounted, 'the daemon goes on');

# ---- not mounted -----------------------------------------------------------------------------------------------------

my ($mounted) = groups($mask);
$trial->stop;
my @wrapped = map { "$_=$env{$_}" } sort keys %env;
($status, $out, $err) = run({}, 'env', @wrapped, $trial->bin('dossier'), '-s', $trial->{store}, '-p', $trial->{policy}, '-k', $trial->{key},
    'policy', 'replay', '--json', $mask);
is($status, 0, 'not mounted') or diag("$out$err");
my $unmounted = decode_json($out);
is_deeply($unmounted->{groups}, $mounted->{groups}, 'the same answer');

done_testing;
