#!/usr/bin/perl
# Goal: policy test tells which expectations a policy doesn't meet, by which rule and line; refuses a faulty file as a whole, with
# every fault and its line; and says what no expectation touches.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

chdir dirname(File::Spec->rel2abs($0)) . '/../..' or die "chdir: $!\n";
my $dossier = File::Spec->rel2abs($ENV{BUILD} // 'build') . '/dossier';
plan skip_all => "$dossier is not built" unless -x $dossier;
my $tmp = tempdir(CLEANUP => 1);

sub put {
    my ($name, $text) = @_;
    open my $out, '>:raw', "$tmp/$name" or die "$name: $!\n";
    print $out $text;
    close $out or die "$name: $!\n";
    return "$tmp/$name";
}

# The exit code, what came out, and what was said.
sub run {
    my ($policy, $file, @options) = @_;
    my $out = `$dossier -p $policy policy test @options $file 2>$tmp/error`;
    my $status = $? >> 8;
    die "killed by a signal\n" if $? & 127;
    open my $in, '<', "$tmp/error" or die;
    return ($status, $out, join '', <$in>);
}

# ---- as it is ----
my ($status, $out, $error) = run('examples/minimal.ini', 'examples/minimal.test');
is($status, 0, 'what is expected of the smallest policy holds');
is($error, '', 'and nothing is said besides');
like($out, qr/^7 expectations, 0 requirements: 7 passed, 0 failed$/m, 'counted');
like($out, qr/^fields +2 of 2$/m, 'all its fields are asked for');
like($out, qr/^rules .*not asked: .*\bcaseload\b/m, 'a rule that none reaches is named');

# ---- the policy of the manual, and the manual's example ----
my $page = do { local (@ARGV, $/) = ('policy/dossier-policy-test.5'); <> };
my ($example) = $page =~ /^\.Sh EXAMPLES.*?^\.Bd -literal -offset indent\n(.*?)^\.Ed/ms or die 'no example';
my $main = do { local (@ARGV, $/) = ('policy/dossier-policy.5'); <> };
my ($first) = $main =~ /^\.Sh EXAMPLES.*?^\.Bd -literal -offset indent\n(.*?)^\.Ed/ms or die 'no policy';
s/\\&//g for $example, $first;
my $policy = put('manual.ini', $first);
($status, $out, $error) = run($policy, put('manual.test', $example));
is("$status $error", '0 ', "the manual's example holds for the manual's policy") or diag $out;

# ---- each fact decides ----
$policy = put('facts.ini', <<'INI');
[policy]
organisation = X
timezone     = Europe/Amsterdam
[kind tenant]
code = [0-9]{4}
[kind buyer]
code = [A-Z]{4}
[category person]
retention = 2y after end
retention.buyer = 28d after capture
[category notes]
[category film]
incident = required
roles    = guard
[category closed]
roles    = guard
[field name]
category = person
type     = surname
[field end]
category = person
type     = date
[field note]
category = notes
type     = text
[field health]
category = notes
type     = text
special  = health
[field camera]
category = film
type     = text
[field key]
category = closed
type     = text
[purpose contract]
ground        = A
second-ground = on the form
kinds         = tenant, buyer
fields        = name, end, note, health, key
[purpose letter]
ground = D
kinds  = tenant
fields = name
[purpose alarm]
ground = E
kinds  = tenant
fields = name
[purpose claim]
ground              = A
despite-restriction = a claim
kinds               = tenant
fields              = name
[purpose cameras]
ground    = C
balancing = weighed
kinds     = tenant
fields    = camera
[role desk]
members  = @desk
purposes = contract, letter, alarm, claim
own      = note
mask     = end:year
[role district]
members  = @district
purposes = contract
fields   = name
caseload = name: Jansen
[role guard]
members  = @guard
purposes = cameras
[recipient firm]
agreement = processor
signed    = 2026-01-01
until     = 2026-12-31
members   = @firm
purposes  = contract
fields    = name
[secrecy]
bound = anna 2025-01-01
INI
my $good = <<'TEST';
person desk     = anna @desk
person district = anna @district
person guard    = anna @guard
person firm     = anna @firm
person nobody   = anna
person loose    = piet @desk
on 2026-03-15
nobody   contract tenant name: hidden by no-role          (A1)
loose    contract tenant name: hidden by not-bound        (D4)
guard    contract tenant name: hidden by role-purpose
firm     contract tenant name: shown
firm     contract tenant name if on 2025-12-31: hidden by agreement   (E1)
firm     contract tenant name if on 2027-01-01: hidden by agreement
desk     letter buyer name if consent: hidden by purpose-kind
desk     letter tenant end if consent: hidden by purpose-field
district contract tenant end: hidden by role-field
desk     contract tenant health if own: hidden by special  (H4)
desk     contract tenant key: hidden by category-role
desk     contract tenant name if absent: hidden by absent
desk     contract tenant name if expired: hidden by expired
desk     contract tenant name if end 2024-03-15: shown    ; its last day
desk     contract tenant name if end 2024-03-14: hidden by expired
desk     contract buyer  name if recorded 2026-02-16: shown
desk     contract buyer  name if recorded 2026-02-15: hidden by expired
desk     contract tenant name if restriction: hidden by restricted
desk     contract tenant name if restriction notes: shown
desk     claim    tenant name if restriction: shown
desk     letter   tenant name: hidden by no-consent
desk     letter   tenant name if consent: shown
desk     letter   tenant name if consent contract: hidden by no-consent
desk     letter   tenant name if consent, opt-out: hidden by objection
desk     contract tenant name if objection letter: shown
desk     contract tenant name if objection: hidden by objection
desk     alarm    tenant name: hidden by no-calamity
desk     alarm    tenant name if calamity: shown
guard    cameras  tenant camera: hidden by no-incident
guard    cameras  tenant camera if incident: shown
guard    cameras  tenant camera if incident notes: hidden by no-incident
district contract tenant name: hidden by caseload
district contract tenant name if caseload: shown
district contract tenant name if caseload district: shown
district contract tenant name if caseload desk: hidden by caseload
desk     contract tenant note: hidden by not-own
desk     contract tenant note if own: shown
desk     contract tenant end: masked year by masked
desk     contract tenant end: masked
TEST
my $file = put('good.test', $good);
($status, $out, $error) = run($policy, $file);
is("$status $error", '0 ', 'every rule decides as expected') or diag $out;
unlike($out, qr/^FAIL/m, 'none fails');
like($out, qr/^rules +20 of 20$/m, 'each rule decided');
like($out, qr/, 4 requirements: /, 'requirements are counted once');

# ---- each expectation can fail: turned round, every one of them does ----
my $turned = $good;
$turned =~ s/^(\w.*): hidden.*?(\(|$)/$1: shown $2/mg or die;
my %before = map { $_ => 1 } split /\n/, $good;
my @changed = grep { /^\w/ && !/^(?:person|on) / && !$before{$_} } split /\n/, $turned;
($status, $out) = run($policy, put('turned.test', $turned), '--failures');
is($status, 1, 'exit code 1 when something is not as expected');
is(scalar(() = $out =~ /^FAIL/mg), scalar(@changed), 'each one that was turned round fails, and no other');
unlike($out, qr/^PASS/m, '--failures prints no other');
like($out, qr{^FAIL  \S+turned\.test:9  loose contract tenant name: expected shown, got hidden by not-bound}m,
     'a failure names line, question, what was expected and the rule');
($status, $out) = run($policy, put('one.test', "person a = anna \@desk\non 2026-03-15\na contract tenant end: masked last4\n"));
like($out, qr/^FAIL .*expected masked: last 4 characters, got masked: .*year.* by masked \(\S+facts\.ini:\d+\)$/m, 'the mask counts');
($status, $out) = run($policy, put('one.test', "person a = anna\non 2026-03-15\na contract tenant end: hidden by absent\n"));
is($status, 1, 'the right verdict by another rule is a failure');

# ---- for machines ----
($status, $out) = run($policy, $file, '--tap');
is($status, 0, '--tap');
my ($planned) = $out =~ /^1\.\.(\d+)\n/;
is(scalar(() = $out =~ /^ok \d+ - /mg), $planned, 'as many tests as planned');
($status, $out) = run($policy, "$tmp/turned.test", '--tap');
is(scalar(() = $out =~ /^not ok \d+ - .*\n# expected /mg), scalar(@changed), 'failures in TAP');
($status, $out) = run($policy, "$tmp/turned.test", '--json');
my $json = decode_json($out);
is($json->{failed}, scalar(@changed), '--json counts the failures');
is(scalar(grep { !$_->{pass} } @{$json->{expectations}}), scalar(@changed), 'and has each');
is($json->{passed} + $json->{failed}, scalar @{$json->{expectations}}, 'and all the others');
is_deeply($json->{expectations}[0]{requirements}, ['A1'], 'with their requirements');
is_deeply($json->{coverage}{rules}{missing}, [], 'and the coverage');
is((run($policy, $file, '--tap', '--json'))[0], 2, 'not both');

# ---- a faulty file is refused whole, every fault with its line ----
my @faulty = (
    ['person x', qr/a person is 'person NAME/],
    ['person on = anna', qr/a person is 'person NAME/],
    ['person desk = piet', qr/a person 'desk' already/],
    ['person y =', qr/needs a user, a uid or a group/],
    ['person z = anna piet', qr/'piet' can't be part/],
    ['person v = 4294967294', qr/'4294967294' can't be part/],
    ['on 2026-02-30', qr/no date/],
    ['desc contract tenant name: shown', qr/nobody is called 'desc'; did you mean 'desk'/],
    ['desk contrakt tenant name: shown', qr/no purpose 'contrakt'; did you mean 'contract'/],
    ['desk contract tenent name: shown', qr/no kind 'tenent'; did you mean 'tenant'/],
    ['desk contract tenant nam: shown', qr/no field 'nam'; did you mean 'name'/],
    ['desk contract tenant name,: shown', qr/no field ''/],
    ['desk contract tenant name', qr/an expectation is 'WHO/],
    ['desk contract tenant: shown', qr/an expectation is 'WHO/],
    ['desk contract tenant name: visible', qr/behind ':' stands/],
    ['desk contract tenant name: shown now', qr/behind ':' stands/],
    ['desk contract tenant name: masked lots', qr/'lots' is no mask/],
    ['desk contract tenant name: hidden by expird', qr/no rule is called 'expird'; did you mean 'expired'/],
    ['desk contract tenant name: hidden by shown', qr/not what can decide/],
    ['desk contract tenant name: shown by expired', qr/not what can decide/],
    ['desk contract tenant name: shown (A1,)', qr/no number of a requirement/],
    ['desk contract tenant name if konsent: shown', qr/unknown fact 'konsent'/],
    ['desk contract tenant name if consent nothing: shown', qr/no purpose 'nothing'/],
    ['desk contract tenant name if absent today: shown', qr/absent stands alone/],
    ['desk contract tenant name if note 2026-01-01: shown', qr/fields of type date/],
    ['desk contract tenant name if end 2026-13-01: shown', qr/no date/],
    ['desk contract tenant name if end, own: shown', qr/unknown fact 'end'/],
    ['desk contract tenant name if a b c: shown', qr/one or two words/],
    ["desk contract tenant name\x1b[2J: shown", qr/control character/],
    ['desk contract tenant ' . 'name, ' x 200 . 'name: shown', qr/the line has \d+ bytes/],
);
my $text = $good . join '', map { "$_->[0]\n" } @faulty;
my $line = () = $good =~ /\n/g;
($status, $out, $error) = run($policy, put('faulty.test', $text));
is($status, 2, 'a faulty file: exit code 2');
is($out, '', 'and nothing is tried');
my %said;
push @{$said{$1}}, $2 while $error =~ /^\S+faulty\.test:(\d+): (.*)$/mg;
for my $fault (@faulty) {
    like(join(' / ', @{$said{++$line} // []}), $fault->[1], "line $line: " . substr($fault->[0] =~ s/[^ -~]/?/gr, 0, 60));
}
is(scalar(keys %said), scalar(@faulty), 'no other line is blamed');
unlike($error, qr/\x1b/, 'nothing of it steers a terminal');

for my $case (['', qr/nothing is expected/], ["a b c d: shown\n", qr/:1: no day yet/], ["x\0y\n", qr/:1: .*control/],
              ["\n" x 1_048_577, qr/longer than/]) {
    ($status, $out, $error) = run($policy, put('odd.test', $case->[0]));
    is($status, 2, 'refused: ' . length($case->[0]) . ' bytes');
    like($error, $case->[1], 'and why');
}
($status, $out, $error) = run($policy, "$tmp/none.test");
is($status, 2, 'a file that is not there');
like($error, qr/none\.test: No such file/, 'is named');
is((run(put('bad.ini', "[policy]\n"), $file))[0], 2, 'a faulty policy');
for my $fact ($page =~ /^\.It Sy ([\w-]+)/mg) {
    next if $fact =~ /^(?:on)$/;
    like($good, qr/\b$fact\b/, "the fact $fact is in this test");
}
done_testing;
