# Pages as a browser shows them: headless Chromium, which is asked how wide they are, what they fetch, and for a picture.
package Browser;
use strict;
use warnings;
use Compress::Zlib qw(uncompress);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;

use Trial qw(run write_file read_file);

our @EXPORT_OK = qw(measure requests picture paper is_blank);

# Why there can be no browser; undef if there is one.
sub missing {
    return program() ? undef : "headless Chromium is not installed (make deps FOR=browser): nothing was looked at as a browser shows it";
}

sub program {
    return (grep { -x } map { my $d = $_; map { "$d/$_" } qw(chromium chromium-browser) } split /:/, $ENV{PATH})[0];
}

# Root has no sandbox to lean on, and a container hardly any /dev/shm.
sub chromium {
    my (@words) = @_;
    my $profile = tempdir('dossierfs-browser-XXXXXX', DIR => '/var/tmp', CLEANUP => 1);
    my @quiet = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-extensions', '--no-first-run', '--hide-scrollbars',
        '--disable-client-side-phishing-detection', '--disable-domain-reliability', "--user-data-dir=$profile");
    my ($status, $out, $err) = run({env => {HOME => $profile}}, 'timeout', '60', program(), @quiet, @words);
    die "chromium: exit $status\n" . substr($err, -2000) if $status;
    return $out;
}

# What each page (name => HTML) is like at each width: {name => {width => {inner, scroll, words, bars}}}. The page is a copy that
# lets a script in, which its own rule (Content-Security-Policy) forbids.
my $tells = <<'SCRIPT';
<script>addEventListener('load', function () {
    var e = document.scrollingElement, bars = 0;
    document.querySelectorAll('svg[role=img] rect').forEach(function (r) { if (r.getBoundingClientRect().height > 0) bars++ });
    parent.postMessage({name: window.name, inner: innerWidth, scroll: e.scrollWidth, words: document.body.innerText.split(/\s+/).length,
        bars: bars}, '*');
});</script>
SCRIPT

sub measure {
    my ($dir, $pages, @widths) = @_;
    my $frames = '';
    for my $name (sort keys %$pages) {
        my $copy = $pages->{$name} =~ s{<meta http-equiv="Content-Security-Policy"[^>]*>}{}r;
        $copy =~ s{</body>}{$tells</body>} or die "$name has no body";
        write_file("$dir/$name.copy.html", $copy);
        $frames .= qq{<iframe name="$name $_" src="$name.copy.html" width="$_" height="800" style="border:0"></iframe>\n} for @widths;
    }
    write_file("$dir/frames.html", <<"HTML");
<!DOCTYPE html><html><body><script>addEventListener('message', function (m) {
    var p = document.createElement('pre'); p.textContent = JSON.stringify(m.data); document.body.appendChild(p); });</script>
$frames</body></html>
HTML
    my $dom = chromium('--window-size=1600,1200', '--virtual-time-budget=20000', '--dump-dom', 'file://' . abs_path("$dir/frames.html"));
    my %like;
    for my $line ($dom =~ m{<pre>(.*?)</pre>}g) {
        my $told = decode_json($line);
        my ($name, $width) = split / /, $told->{name};
        $like{$name}{$width} = $told;
    }
    return \%like;
}

# What a file makes the browser ask of the network: everything goes to a proxy that is ours and answers nothing. The browser's own
# questions to its maker are left out.
sub requests {
    my ($file) = @_;
    my $proxy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50, ReuseAddr => 1) or die "proxy: $!";
    my $port = $proxy->sockport;
    pipe my $from, my $to or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        close $from;
        local $SIG{ALRM} = sub { POSIX::_exit(0) };
        alarm 90;
        $to->autoflush;
        while (my $client = $proxy->accept) {
            print $to scalar(<$client>) // '' if IO::Select->new($client)->can_read(2);
            close $client;
        }
        POSIX::_exit(0);
    }
    close $to;
    my $ok = eval { chromium("--proxy-server=http://127.0.0.1:$port", '--virtual-time-budget=5000', '--dump-dom', 'file://' . abs_path($file)); 1 };
    my $why = $@;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    die $why unless $ok;
    return grep { !m{^\S+ (?:https?://)?[\w.-]*\.(?:google|googleapis|gstatic|gvt1)\.com[:/ ]} } <$from>;
}

# A picture of the page, `width` wide and `height` high: PNG.
sub picture {
    my ($dir, $file, $width, $height, $png) = @_;
    # Narrower than a window may be, so in a frame.
    write_file("$dir/framed.html", qq{<!DOCTYPE html><html><body style="margin:0;background:#fff"><iframe src="file://} . abs_path($file)
        . qq{" width="$width" height="$height" style="border:0;display:block"></iframe></body></html>});
    unlink $png;
    chromium("--window-size=" . ($width < 500 ? 500 : $width) . ",$height", "--screenshot=$png", 'file://' . abs_path("$dir/framed.html"));
    return -s $png ? $png : die "chromium made no picture of $file\n";
}

# The sizes of its pages on paper, in points, as "WIDTHxHEIGHT".
sub paper {
    my ($file, $pdf) = @_;
    chromium('--no-pdf-header-footer', "--print-to-pdf=$pdf", 'file://' . abs_path($file));
    return map { join 'x', map { sprintf '%.0f', $_ } (split ' ')[2, 3] } read_file($pdf) =~ m{/MediaBox\s*\[([^\]]*)\]}g;
}

# Does it show nothing at all? In a picture of one colour, every line is like every other.
sub is_blank {
    my ($png) = @_;
    my $bytes = read_file($png);
    my ($at, $packed, $width, $depth, $colour) = (8, '');
    while ($at + 8 <= length $bytes) {
        my ($length, $type) = unpack 'N a4', substr $bytes, $at, 8;
        my $chunk = substr $bytes, $at + 8, $length;
        ($width, undef, $depth, $colour) = unpack 'N N C C', $chunk if $type eq 'IHDR';
        $packed .= $chunk if $type eq 'IDAT';
        $at += $length + 12;
    }
    my $row = 1 + $width * $depth / 8 * {0 => 1, 2 => 3, 4 => 2, 6 => 4}->{$colour};
    my $pixels = uncompress($packed) // die "$png can't be read\n";
    my %lines = map { substr($pixels, $_ * $row, $row) => 1 } 0 .. length($pixels) / $row - 1;
    return keys %lines <= 3;
}

1;
