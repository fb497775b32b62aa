#!/usr/bin/perl
# Goal: what is published of a policy is complete, says no member's name, is valid in each form, and whatever a label says, it
# stays text. The forms are read back by readers of their own: a CSV module, two HTML parsers, a Markdown parser.
use strict;
use warnings;
use lib 'tests/mount/lib';
use Cwd qw(abs_path);
use Encode qw(decode encode);
use File::Temp qw(tempdir);
use Test::More;
use Trial qw(run write_file read_file);

my $build = abs_path($ENV{BUILD} // 'build');
my $dossier = "$build/dossier";
plan skip_all => "there is no $dossier" unless -x $dossier;
my @missing = grep { system("command -v $_ >/dev/null 2>&1") } qw(xmllint tidy cmark-gfm);
push @missing, 'Text::CSV' unless eval { require Text::CSV; 1 };
plan skip_all => "missing: @missing (make deps)" if @missing;
my $dir = tempdir(CLEANUP => 1);
my $flagship = 'examples/woningcorporatie.ini';

# Texts are asked for in English where a test says nothing: the flagship's own language is Dutch.
sub publish { my ($policy, $what, @options) = @_; return run({}, $dossier, '-p', $policy, 'policy', $what, ("@options" =~ /--language/ ? () : ('--language', 'en')), @options) }

# The text of a publication that has to succeed, as characters.
sub text_of {
    my ($policy, $what, @options) = @_;
    my ($status, $out, $err) = publish($policy, $what, @options);
    is("$status $err", '0 ', "$what @options") or return '';
    return decode('UTF-8', $out, Encode::FB_CROAK);
}

# The sections of a policy that the test reads by itself: {role => [{name, label, key => value...}]}.
sub sections_of {
    my ($path) = @_;
    my (%sections, $at);
    for my $line (split /\n/, decode('UTF-8', read_file($path))) {
        $line =~ s/(?:^|\s);.*//;
        if ($line =~ /^\[(\w+)(?: ([^\]]+))?\]/) { push @{$sections{$1}}, $at = {name => $2 // '', label => $2 // ''} }
        elsif ($at && $line =~ /^([\w.-]+)\s*(\+?)=\s*(.*?)\s*$/) { $at->{$1} = $2 ? "$at->{$1}, $3" : $3 }
    }
    return \%sections;
}

sub rows_of_csv {
    my ($text) = @_;
    my $csv = Text::CSV->new({binary => 1, strict => 1, auto_diag => 0, eol => "\r\n"});
    my $bytes = encode('UTF-8', $text);
    open my $in, '<:encoding(UTF-8)', \$bytes or die $!;
    my @rows = @{$csv->getline_all($in)};
    is(0 + $csv->error_diag, 2012, 'the CSV is read to its end'); # 2012: end of file
    my $names = shift @rows;
    return map { my $row = $_; +{map { $names->[$_] => $row->[$_] } 0 .. $#$names} } @rows;
}

# Valid for a parser of XML and for one of HTML; fetches nothing. Answers the text that a person reads.
sub text_of_html {
    my ($name, $html) = @_;
    my $file = write_file("$dir/page.html", encode('UTF-8', $html));
    is(qx(xmllint --noout --nonet $file 2>&1), '', "$name: well-formed");
    is(qx(tidy -qe -utf8 $file 2>&1), '', "$name: valid HTML");
    unlike($html, qr/<(?:script|img|link|iframe|object|form|base)\b|\bon\w+\s*=\s*"|src\s*=|href\s*=\s*"(?!#)|url\(|\@import/i,
        "$name: does nothing and fetches nothing");
    my %ids = map { $_ => 1 } $html =~ / id="([^"]*)"/g;
    is(join(' ', grep { !$ids{$_} } $html =~ /href="#([^"]*)"/g), '', "$name: each link within it leads somewhere");
    like($html, qr/<meta name="viewport"/, "$name: for telephones");
    like($html, qr/\@media print/, "$name: for paper");
    return text_of_markup($html);
}

sub text_of_markup {
    my ($html) = @_;
    $html =~ s/<style>.*?<\/style>//s;
    $html =~ s/<[^>]*>/ /g;
    $html =~ s/&lt;/</g;
    $html =~ s/&gt;/>/g;
    $html =~ s/&quot;/"/g;
    $html =~ s/&#39;/'/g;
    $html =~ s/&amp;/&/g;
    $html =~ s/\s+/ /g;
    return $html;
}

# As a Markdown parser understands it, in HTML; every table row has the cells of its heading.
sub html_of_markdown {
    my ($name, $markdown) = @_;
    my $file = write_file("$dir/page.md", encode('UTF-8', $markdown));
    my $html = decode('UTF-8', qx(cmark-gfm --unsafe -e table $file));
    my @wrong;
    while ($html =~ m{<table>(.*?)</table>}gs) {
        my @rows = split m{</tr>}, $1;
        my $columns = () = $rows[0] =~ /<th>/g;
        push @wrong, grep { my $cells = () = /<t[hd]>/g; $cells != $columns } @rows[0 .. $#rows - 1];
    }
    like($html, qr/<table>/, "$name: there is a table");
    is("@wrong", '', "$name: each row has the cells of its heading");
    unlike($html =~ s/<br>//gr, qr/<(?!\/?(?:h[1-4]|p|ul|ol|li|table|thead|tbody|tr|th|td|strong|em)\b)/, "$name: no markup but our own");
    return $html;
}

sub has_all {
    my ($name, $text, @pieces) = @_;
    my @missing = grep { index($text, $_) < 0 } @pieces;
    ok(@pieces && !@missing, "$name: has all " . scalar @pieces) or diag('missing: ', encode('UTF-8', join ' | ', @missing));
    return;
}

sub names_no_member {
    my ($name, $text) = @_;
    unlike($text, qr/\b610\d\d\b|\@(?!example)\w/, "$name: no member and no group is named");
    return;
}

# ---- the register of the flagship ------------------------------------------------------------------------------------------

my $said = sections_of($flagship);
my @purposes = @{$said->{purpose}};
my @labels = map { $_->{people} // $_->{label} } map { @{$said->{$_}} } qw(purpose kind);
cmp_ok(scalar @purposes, '>=', 18, 'the flagship has its purposes');
my %label = map { $_->{name} => $_->{label} } map { @{$said->{$_}} } qw(category field role);
# Not a role that may only bring something in.
my @seeing = grep { $_->{purposes} && ($_->{drop} // '-') ne ($_->{fields} // '') } @{$said->{role}};
my $labels = join '|', map { "\Q$_->{label}\E" } @{$said->{category}};
my %letter = (A => 'b', B => 'c', C => 'f', D => 'a', E => 'd');

my @rows = rows_of_csv(text_of($flagship, 'register', '--format', 'csv'));
is(scalar @rows, scalar @purposes, 'an activity for each purpose');
my %row = map { $_->{id} => $_ } @rows;
for my $purpose (@purposes) {
    my $row = $row{$purpose->{name}} or fail("$purpose->{name} is an activity"), next;
    my @wrong;
    push @wrong, 'label' if $row->{purpose} ne $purpose->{label};
    push @wrong, 'ground' if $row->{ground} !~ /^$purpose->{ground}, .*6\(1\)\($letter{$purpose->{ground}}\)/;
    my ($own) = @{$said->{policy}};
    my @kinds = map { my $name = $_; grep { $_->{name} eq $name } @{$said->{kind}} } split /\s*,\s*/, $purpose->{kinds};
    my (%of, @controllers);
    push @{$of{$_->{controller}}}, $_->{label} for grep { $_->{controller} } @kinds;
    for my $controller (map { $_->{controller} // () } @kinds) {
        push @controllers, "$controller (" . join(', ', @{delete $of{$controller}}) . ')' if $of{$controller};
    }
    unshift @controllers, $own->{organisation} if grep { !$_->{controller} } @kinds;
    push @wrong, "controller: $row->{controller}" if $row->{controller} ne join '; ', @controllers, map { $own->{$_} } qw(address website contact);
    push @wrong, 'officer' if $row->{officer} ne $own->{officer};
    push @wrong, 'basis' if grep { index($row->{basis}, $_) < 0 } map { $purpose->{$_} // () } qw(article balancing second-ground despite-restriction);
    push @wrong, 'security' if grep { index($row->{security}, $_) < 0 } split /\s*,\s*/, $own->{security};
    for my $name (split /\s*,\s*/, $purpose->{fields}) {
        push @wrong, "data $name" if index($row->{categories}, $label{$name}) < 0;
        my ($category) = grep { $_->{name} eq $name } @{$said->{category}};
        next unless $category;
        # What is said of the category: one term, or one for each kind of dossier.
        my ($terms) = $row->{terms} =~ /(?:^|[;,] )\Q$category->{label}\E(?:, [^:;]*)?: (.*)/;
        $terms =~ s/; (?:$labels)(?:, [^:;]*)?: .*//;
        for my $kind (@kinds) {
            my ($amount) = ($category->{"retention.$kind->{name}"} // $category->{retention} // '') =~ /^(\d+)y/ or next;
            push @wrong, "term $name of $kind->{name}"
                if $terms !~ /(?:^|; )(?:(?:[^:;]*, )?\Q$kind->{label}\E(?:, [^:;]*)?: )?(?:shown and not kept; that it was seen: )?\Q$amount\E years? after/;
        }
    }
    # Who has the purpose and keeps a field of it.
    my @roles = map { $_->{label} } grep { $_->{purposes} =~ /(?:^|, )\Q$purpose->{name}\E(?:,|$)/ } @seeing;
    push @wrong, "access: $row->{access}, not @roles" if $row->{access} ne (join('; ', @roles) || 'nobody');
    my ($file, $line) = $row->{source} =~ /^(.*):(\d+)$/;
    push @wrong, "source" unless $file eq $flagship && (split /\n/, read_file($flagship))[$line - 1] eq "[purpose $purpose->{name}]";
    is("@wrong", '', "the activity $purpose->{name}");
}
like($rows[0]{version}, qr/^[0-9a-f]{16}$/, 'the version of the policy');
like($row{'huur-innen'}{terms}, qr/Betalingsgegevens: Huurder, Medehuurder: 7 years after the end of the year of \x{201C}Einde van de huur\x{201D}/, 'a term in words');

for my $language ('en', 'nl') {
    my @options = ('--language', $language);
    my $text = text_of($flagship, 'register', @options);
    my $html = text_of_html("register $language", text_of($flagship, 'register', '--format', 'html', @options));
    my $markdown = text_of_markup(html_of_markdown("register $language", text_of($flagship, 'register', '--format', 'markdown', @options)));
    for (['text', $text], ['html', $html], ['markdown', $markdown]) {
        my ($form, $got) = @$_;
        has_all("register $language $form", $got, @labels, map { $row{$_->{name}}{categories} =~ /^([^;]*)/ } @purposes);
        has_all("register $language $form: words", $got, $language eq 'nl' ? ('Grondslag', 'AVG art. 6 lid 1 letter f', '7 jaar na het eind van het jaar van')
            : ('Ground', 'GDPR art. 6(1)(f)', '7 years after the end of the year of'));
        names_no_member("register $language $form", $got);
    }
}

# ---- the statement of the flagship -----------------------------------------------------------------------------------------

my %wanted = (
    en => ['Allowed because of', 'a legitimate interest (GDPR art. 6(1)(f))', '7 years after the end of the year of', 'four weeks', 'Objection',
        'complain to: Autoriteit', 'Gerechtsdeurwaarder', 'Statistiek van de website', 'You can take your consent back', 'You can object to this', 'nobody'],
    nl => ['Mag vanwege', 'een gerechtvaardigd belang (AVG art. 6 lid 1 letter f)', '7 jaar na het eind van het jaar van', 'vier weken', 'Bezwaar',
        'klagen bij: Autoriteit Persoonsgegevens', 'Gerechtsdeurwaarder', 'krijgt niets uit de dossiers', 'toestemming kunt u altijd intrekken',
        'Hiertegen kunt u bezwaar maken', 'niemand'],
);
my ($policy) = @{$said->{policy}};
for my $language ('en', 'nl') {
    my @options = ('--language', $language);
    my $html = text_of($flagship, 'statement', @options);
    like($html, qr/<html lang="$language"/, "statement $language: its language is said");
    $html = text_of_html("statement $language", $html);
    my $markdown = text_of_markup(html_of_markdown("statement $language", text_of($flagship, 'statement', '--format', 'markdown', @options)));
    for (['html', $html], ['markdown', $markdown]) {
        my ($form, $got) = @$_;
        has_all("statement $language $form", $got, (map { split /\s*,\s*/, $policy->{$_} } qw(organisation contact address website officer authority security)), @{$wanted{$language}}, (map { $_->{label} } @seeing),
            map { $_->{people} // $_->{label} } map { @{$said->{$_}} } qw(purpose kind category field));
        names_no_member("statement $language $form", $got);
    }
}

# No sentence in two languages: what is the same in both comes from the policy.
my %of = map { $_ => text_of($flagship, 'statement', '--format', 'markdown', '--language', $_) } qw(en nl);
my %english = map { $_ => 1 } split /\n/, $of{en};
my $own_words = join '|', map { "\Q$_\E" } map { split /\s*,\s*/, $_ } @$policy{qw(organisation address officer security)};
is_deeply([grep { $english{$_} && /\w \w+ \w/ && !/^### / && !/$own_words/ } split /\n/, $of{nl}], [], 'no English words in the Dutch statement');

# ---- whatever a label says -------------------------------------------------------------------------------------------------

my @hostile = ('<script>alert("x")</script>', q{" onload='x' x="}, 'a | b || c', '`code` *b* _i_ [l](u) ![p](u) ~~s~~', '=1+1', '- item', '+1', '1. one',
    'a#heading#', ']]> <!-- x --> &lt; &#60;', '\\ back \\| slash', '<br>', '@SUM(A1)', '&amp;amp;', '> quote', '---');
my $ini = "[policy]\norganisation = <b>Org</b> | \"x\" & 'y'\ntimezone = Europe/Amsterdam\ncontact = c\naddress = a\n[kind tenant]\nlabel = <i>T|t</i>\ncode = [0-9]{4}\n"
    . "[category person]\nlabel = </td><td>c|\nretention = 2y after until\n"
    . "[field until]\nlabel = <u>|&until\ncategory = person\ntype = date\n";
$ini .= "[purpose p$_]\nlabel = $hostile[$_]\nground = A\nkinds = tenant\nfields = person\n" for 0 .. $#hostile;
$ini .= "[role work]\nlabel = </dd>|*R*\nmembers = 61999, \@somegroup\npurposes = " . join(', ', map { "p$_" } 0 .. $#hostile) . "\n[secrecy]\nbound = 61999 2025-01-01\n";
my $hostile = write_file("$dir/hostile.ini", $ini);
@rows = rows_of_csv(text_of($hostile, 'register', '--format', 'csv'));
is_deeply([map { $_->{purpose} } @rows], [map { s/^(?=[=+\-@])/'/r } map { s/; /; /r } @hostile], 'CSV: labels as they are, and no formula');
my $page = text_of_html('hostile register', text_of($hostile, 'register', '--format', 'html'));
has_all('hostile register html', $page, @hostile, q{<b>Org</b> | "x" & 'y'}, '<i>T|t</i>', '</td><td>c|: <u>|&until', '</dd>|*R*');
my $markdown = html_of_markdown('hostile register', text_of($hostile, 'register', '--format', 'markdown'));
my @headings = map { text_of_markup($_) } $markdown =~ m{<h2>(.*?)</h2>}gs;
is_deeply([@headings[1 .. $#headings]], \@hostile, 'Markdown: each label is a heading, as it is');
has_all('hostile register markdown', text_of_markup($markdown), q{<b>Org</b> | "x" & 'y'}, '<i>T|t</i>', '</td><td>c|: <u>|&until', '</dd>|*R*');
my $statement = text_of_html('hostile statement', text_of($hostile, 'statement'));
has_all('hostile statement html', $statement, @hostile, q{<b>Org</b> | "x" & 'y'}, '<i>T|t</i>', '</td><td>c| <u>|&until', '</dd>|*R*');
my $statement_markdown = html_of_markdown('hostile statement', text_of($hostile, 'statement', '--format', 'markdown'));
@headings = map { text_of_markup($_) } $statement_markdown =~ m{<h3>(.*?)</h3>}gs;
is_deeply([@headings[0 .. $#hostile]], \@hostile, 'Markdown: each label is a heading, as it is');
my $text = text_of($hostile, 'register');
has_all('hostile register text', $text, @hostile);
unlike($text, qr/[^\P{Cntrl}\n]/, 'no control character');
unlike("$page$markdown$text$statement$statement_markdown", qr/61999|somegroup/, 'hostile register: no member and no group is named');
my ($status, $out, $err) = publish(write_file("$dir/newline.ini", $ini =~ s/label = ---/label = a\nb/r), 'register');
is($status, 1, 'a line end in a label is a fault of the policy');
like($err, qr{newline\.ini:\d+: }, '... told with its line');

# ---- what the flagship has not -----------------------------------------------------------------------------------------------

my $rules = write_file("$dir/rules.ini", <<'INI');
[policy]
organisation = Parent
timezone     = Europe/Amsterdam
contact      = help@example.org
address      = Street 1
security     = Guards | dogs
security    += <Locks>
[kind tenant]
label  = Tenant
people = Tenants & co
code   = [0-9]{4}
[kind buyer]
label      = Buyer
controller = Daughter <Homes>
code       = B[0-9]{4}
[kind camera]
code = CAM-[0-9]{3}
[category person]
label           = Person
retention       = 2y after until
retention.buyer = 10y after until year-end
source          = from | you
[category seen]
label     = Identity
store     = never
retention = 1y after until
[category footage]
label     = Footage
retention = 28d after capture
incident  = required
roles     = manager, police
[field name]
label    = Name
category = person
type     = text
[field until]
label    = Until
category = person
type     = date
[field illness]
label    = Illness
category = person
type     = text
special  = health
[field seen-on]
label    = Seen on
category = seen
type     = date
[field note]
label    = Note
category = footage
type     = text
[purpose rent]
ground = A
kinds  = tenant, buyer
fields = name, until, seen-on
[purpose care]
ground              = B
article             = Care act, art. 3
second-ground       = GDPR art. 9(2)(h)
despite-restriction = A legal duty
kinds               = tenant
fields              = illness, name
[purpose safety]
ground    = C
balancing = Only entrances
kinds     = camera
fields    = note
[role desk]
label    = Desk
members  = 1
purposes = rent, care, safety
write    = name, illness
drop     = until
[role nurse]
label    = Nurse
members  = 2
purposes = care
special  = illness
fields   = illness
[role manager]
label    = Manager
members  = 3
purposes = safety
[recipient bailiff]
label     = Bailiff
agreement = processor
signed    = 2020-01-01
until     = 2021-12-31
members   = 61998
purposes  = rent
fields    = name
[recipient police]
label     = Police
agreement = legal-power
article   = Criminal code, art. 126
requester = Public prosecutor
members   = 4
purposes  = safety
fields    = footage
[recipient counter]
label     = Visitor counter
agreement = covenant
signed    = 2026-01-01
transfer  = United States, standard clauses
[recipient printer]
label     = Printer
agreement = processor
signed    = 2026-01-01
transfer  = India, standard clauses
purposes  = rent
fields    = name
[secrecy]
bound = 1 2025-01-01, 2 2025-01-01, 3 2025-01-01, 4 2025-01-01
INI
@rows = rows_of_csv(text_of($rules, 'register', '--format', 'csv'));
my ($rent, $care, $safety) = @rows;
is($rent->{controller}, 'Parent; Daughter <Homes> (Buyer); Street 1; help@example.org', 'a kind with a controller of its own');
is($care->{controller}, 'Parent; Street 1; help@example.org', '... is named where it is covered');
is($rent->{people}, 'Tenants & co; Buyer', 'people: in the plural, or the label');
like($rent->{terms}, qr/^Person: Tenant: 2 years after \x{201C}Until\x{201D}; Buyer: 10 years after the end of the year of \x{201C}Until\x{201D}; Identity: /,
    'a term of its own for a kind');
like($rent->{terms}, qr/Identity: shown and not kept; that it was seen: 1 year after/, 'what is shown and not kept');
like($safety->{terms}, qr/Footage: 28 days after being recorded, and only seen after an incident/, 'what an incident opens');
is($care->{basis}, 'Article: Care act, art. 3; Special data are allowed by: GDPR art. 9(2)(h); Also what is restricted: A legal duty', 'article and exceptions');
is($safety->{basis}, 'Interests weighed: Only entrances', 'the balancing');
is($care->{categories}, 'Person: Name, Illness (special: health)', 'special data are marked');
is($care->{access}, 'Desk; Nurse', 'who sees some of it');
is($safety->{access}, 'Manager', 'a role that the category does not admit sees nothing');
is($care->{changes}, 'Desk: Name, Illness', 'who may change what');
is($safety->{changes}, 'nobody', '... or nobody');
is($rent->{recipients}, 'Bailiff (processor agreement, signed on 2020-01-01, until 2021-12-31): Name; Printer (processor agreement, signed on 2026-01-01): Name',
    'recipients with their agreements, also one that is over');
is($safety->{recipients}, 'Police (legal power, Criminal code, art. 126, on demand of Public prosecutor): Note', 'a legal power');
is($rent->{transfers}, 'Printer: India, standard clauses', 'where data leave the Union');
is($care->{transfers} . $care->{recipients}, 'nonenone', '... or don\'t');
$text = text_of($rules, 'register');
like($text, qr/^Recipients of nothing from the dossiers\s+Visitor counter \(covenant, signed on 2026-01-01\): United States, standard clauses$/m, 'a recipient without fields');
is(() = $text =~ /Guards \| dogs\n\s+<Locks>/g, 1, 'measures of the policy, said once');
for my $language ('en', 'nl') {
    my $html = text_of_html("rules $language", text_of($rules, 'statement', '--language', $language));
    has_all("rules $language", $html, 'Daughter <Homes> (Buyer)', 'from | you', 'Guards | dogs', 'Printer', 'Visitor counter', 'India, standard clauses', 'Care act, art. 3',
        'Only entrances', $language eq 'nl' ? ('bijzonder: gezondheid', 'verwerkersovereenkomst, getekend op 2020-01-01, tot en met 2021-12-31', 'krijgt niets uit de dossiers',
        'getoond en niet bewaard') : ('special: health', 'legal power, Criminal code', 'gets nothing from the dossiers', 'only seen after an incident'));
    unlike($html, qr/camera: 2/, "rules $language: no term of a kind that the category is not used for");
    unlike($html, qr/61998/, "rules $language: no member is named");
    unlike($html, qr/No data go to countries|geen gegevens naar landen/, "rules $language: data leave the Union");
}
my (undef, $default) = run({}, $dossier, '-p', $flagship, 'policy', 'statement');
like($default, qr/<html lang="nl"/, 'the language is the policy\'s where none is asked for');
is(decode('UTF-8', (run({}, $dossier, '-p', $rules, 'policy', 'register'))[1]), $text, '... and English where it says none');
($status, $out, $err) = publish(write_file("$dir/short.ini", read_file($rules) =~ s/^(?:contact|address) .*\n//mgr), 'statement');
is("$status $err", "0 dossier: readers have to know where to turn to: [policy] lacks `address` and `contact`\n", 'what is needed and lacks is told');

# ---- where it goes ---------------------------------------------------------------------------------------------------------

write_file("$dir/old.html", 'old');
chmod 0604, "$dir/old.html";
is((publish($flagship, 'register', '--format', 'html', '-o', "$dir/old.html"))[0], 0, '-o');
is(decode('UTF-8', read_file("$dir/old.html")), text_of($flagship, 'register', '--format', 'html'), '... has the same page');
is((stat "$dir/old.html")[2] & 07777, 0604, '... with the rights of the old one');
symlink 'old.html', "$dir/link.html";
($status, $out, $err) = publish($flagship, 'register', "-o$dir/link.html");
is($status, 2, 'a link is not followed');
like($err, qr/^dossier: \S+link\.html can't be written: it is there and no regular file/, '... and that is said');
like(read_file("$dir/old.html"), qr/^<!DOCTYPE html>/, '... nor is what it leads to changed');
write_file("$dir/faulty.ini", "[policy]\n");
is((publish("$dir/faulty.ini", 'register', '--output', "$dir/old.html"))[0], 1, 'a faulty policy');
like(read_file("$dir/old.html"), qr/^<!DOCTYPE html>/, '... leaves the page that was there');
is(join(' ', grep { !/^(?:faulty|hostile|link|newline|old|page|rules|short)\.\w+$/ } map { s{.*/}{}r } glob "$dir/{.[!.]*,*}"), '', 'and nothing stays beside it');
for (['--format', 'htm', qr/no form "htm"; did you mean "html"\?/], ['--language', 'fr', qr/no language "fr" here; allowed: en, nl/],
    ['--output', '', qr/--output is empty/], ['-x', 'y', qr/unknown option -x/]) {
    my ($option, $value, $pattern) = @$_;
    ($status, $out, $err) = publish($flagship, 'register', $option, $value);
    is("$status $out", '2 ', "$option $value: usage");
    like($err, $pattern, '... says what is allowed');
}
like((run({}, $dossier, 'policy', 'register'))[2], qr/which policy\? -n NAME or -p POLICY/, 'which policy?');

like(scalar(`$dossier -p examples/minimal.ini policy statement --format markdown 2>/dev/null`), qr/^No one outside the organisation/m,
     'without recipients it says so');
done_testing();
