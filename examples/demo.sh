#!/bin/sh
# The whole idea on invented tenants: `make demo` calls this after the build, `make demo-stop` calls it with `stop`.
#
#   examples/demo.sh          makes a store, mounts it, shows it as three people, and leaves the mount up
#   examples/demo.sh stop     unmounts and removes it
#
# BUILD: where the programs are (build). DEMO_DIR: what it makes and removes (/var/tmp/dossierfs-demo). DEMO_POLICY: instead
# of examples/woningcorporatie.ini. Every step is checked after it was shown. Exit status: 0 all as it should be, 1 something
# was wrong, 2 it can't run here.
set -u
# Messages and lists are compared, so they have one form on every machine.
export LC_ALL=C COLUMNS=100
tree=$(realpath "$(dirname "$0")/..")
build=$(realpath -m "${BUILD:-$tree/build}")
policy=${DEMO_POLICY:-$tree/examples/woningcorporatie.ini}
demo=$(realpath -m "${DEMO_DIR:-/var/tmp/dossierfs-demo}")
marker=$demo/.made-by-dossierfs-demo
said=$demo/said
store_owner=61000

cant() {
    printf 'demo: %s\n' "$@" >&2
    exit 2
}

wrong() {
    printf '\ndemo: WRONG: %s\n' "$1" >&2
    printf 'demo: stopped here; what it made is still in %s (examples/demo.sh stop removes it)\n' "$demo" >&2
    exit 1
}

# ---- what it needs, and what an earlier one left ---------------------------------------------------------------------

check_rights() {
    [ "$(id -u)" = 0 ] || cant "not root: it mounts, and acts as several people; start it from a root shell"
    [ -c /dev/fuse ] || cant "/dev/fuse is missing: modprobe fuse, or give the container the device" \
        "(docker run --device /dev/fuse --cap-add SYS_ADMIN)"
    (: <>/dev/fuse) 2>/dev/null || cant "/dev/fuse can't be opened: the container lacks the right to the device" \
        "(docker run --device /dev/fuse --cap-add SYS_ADMIN)"
    unshare --mount --propagation unchanged true 2>/dev/null || cant "no right to mount: CAP_SYS_ADMIN is missing" \
        "(docker run --device /dev/fuse --cap-add SYS_ADMIN)"
    setpriv --reuid 61001 --regid 61001 --clear-groups true 2>/dev/null ||
        cant "no right to act as another user: CAP_SETUID and CAP_SETGID are missing"
}

# What is removed recursively has to be a demo's own, and none that a stranger could have put there.
check_place() {
    case $demo in
    *[!A-Za-z0-9/._-]*) cant "DEMO_DIR: only letters, digits and / . _ - please: $demo" ;;
    esac
    [ ! -e "$demo" ] || { [ -d "$demo" ] && [ -O "$demo" ] && [ -f "$marker" ] && [ -O "$marker" ]; } ||
        cant "$demo is there and was not made by a demo of this user; say another place: DEMO_DIR=/some/where"
}

mounted() { grep -q " $demo/mnt " /proc/self/mountinfo; }

# By the program's own copy, so that no other daemon on the machine is ever meant.
started_here() { find /proc/[0-9]*/exe -maxdepth 0 -lname "$demo/bin/dossierfs*" 2>/dev/null | cut -d/ -f3; }

stop() {
    [ -d "$demo" ] || return 0
    if mounted && ! umount "$demo/mnt" 2>/dev/null && mounted; then
        inside=$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$demo/mnt*" 2>/dev/null | cut -d/ -f3 | tr '\n' ' ')
        cant "$demo/mnt is in use${inside:+, as working directory of process ${inside% }}; leave it first"
    fi
    tries=0
    while [ -n "$(started_here)" ]; do
        tries=$((tries + 1))
        # The keeper hears of the unmount by itself; only one that doesn't is told.
        # shellcheck disable=SC2046 # a list of process ids
        [ $tries -ne 100 ] || kill $(started_here) 2>/dev/null
        [ $tries -lt 200 ] || cant "the daemon does not end: $(started_here)"
        sleep 0.05
    done
    rm -rf --one-file-system "$demo"
}

# ---- how it shows ----------------------------------------------------------------------------------------------------

bold='' green='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    bold=$(printf '\033[1m') green=$(printf '\033[32m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
fi

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '%s\n' "$@"; }

uid_of() {
    case $1 in
    incasso) echo 61001 ;;
    verhuur) echo 61006 ;;
    opzichter) echo 61003 ;;
    functionaris) echo 61004 ;;
    esac
}

# Shows a command as that person types it, and all that it says; leaves its exit code in $status, its output in $said.
# To a file, not through a pipe: what stays behind in the background must not keep the demo waiting.
run() { # WHO COMMAND
    printf '  %s[%s]$%s %s\n' "$green" "$1" "$plain" "$2"
    if [ "$1" = root ]; then
        (cd "$demo" && PATH=$demo/bin:$PATH exec sh -c "$2") >"$said" 2>&1 </dev/null
    else
        uid=$(uid_of "$1")
        (cd "$demo" && PATH=$demo/bin:$PATH exec setpriv --reuid "$uid" --regid "$uid" --clear-groups sh -c "$2") \
            >"$said" 2>&1 </dev/null
    fi
    status=$?
    expand "$said" | sed 's/^/  /'
}

succeeded() { [ "$status" = 0 ] || wrong "that command ended with $status"; }

says() { grep -qF -- "$1" "$said" || wrong "missing above: $1"; }

# All that was said, in any order: words, with blanks or line ends between; or whole lines, whatever their blanks.
says_words() {
    [ "$(tr -s ' \t' '\n' <"$said" | sort)" = "$(printf '%s\n' "$@" | sort)" ] || wrong "expected above: $*"
}
says_lines() {
    [ "$(tr -s ' ' <"$said" | sort)" = "$(printf '%s\n' "$@" | sort)" ] || wrong "expected above: $*"
}

not_there() {
    [ "$status" != 0 ] || wrong "that command should have failed"
    says 'No such file or directory'
    [ "$(wc -l <"$said")" = 1 ] || wrong "no other line was expected"
}

# The imported file, asked apart from the product: an awk condition and what to print.
in_file() { awk -F';' "NR > 1 && $1 { $2 }" "$demo/tenants.csv"; }

column() { printf '%s\n' "$row" | cut -d';' -f"$1"; }

# ---- the steps -------------------------------------------------------------------------------------------------------

prepare() {
    for program in dossierfs dossier sample-data; do
        [ -x "$build/$program" ] || cant "$build/$program is missing: run make first"
    done
    [ -r "$policy" ] || cant "the policy $policy can't be read"
    { mkdir -p "$(dirname "$demo")" && mkdir -m 755 "$demo" && : >"$marker" && mkdir "$demo/mnt" "$demo/bin"; } ||
        cant "$demo can't be made"
    # Copies: the tree may lie where other users can't go, under /root for instance.
    { cp "$build/dossierfs" "$build/dossier" "$build/sample-data" "$demo/bin" &&
        cp "$tree/examples/payments.awk" "$demo" && cp "$policy" "$demo/policy.ini" && chmod -R a+rX "$demo"; } ||
        cant "$demo can't be filled"
    if ! setpriv --reuid 61001 --regid 61001 --clear-groups sh -c "$demo/bin/dossier --version" >/dev/null 2>&1; then
        rm -rf --one-file-system "$demo"
        cant "in $demo other users can't run a program (no way in, or mounted noexec); say another place: DEMO_DIR=/some/where"
    fi
    today=$(TZ=Europe/Amsterdam date +%F)
    this_year=${today%%-*}
}

make_store() {
    heading '1. A store, filled from a CSV file of 1,000 invented tenants'
    run root "sample-data --count 1000 --today $today --delimiter semicolon >tenants.csv"
    succeeded
    [ "$(in_file 1 print | wc -l)" = 1000 ] || wrong 'not 1,000 tenants'
    run root "dossier -s store init --owner $store_owner --key-file key | head -n 2"
    says 'made the store store'
    [ "$(stat -c %u "$demo/store")" = $store_owner ] || wrong "the store is not of uid $store_owner"
    run root 'dossier -s store -p policy.ini --key-file key import --kind huurder --delimiter semicolon tenants.csv'
    succeeded
    says '1000 added, 0 changed, 0 unchanged, 0 rejected'
    run root 'dossierfs -s store -p policy.ini --key-file key --control control.sock mnt'
    succeeded
    mounted || wrong "nothing is mounted on $demo/mnt"
}

# One who still rents, with a value in every column that is shown below, so that the lists are known beforehand.
# shellcheck disable=SC2016 # what awk expands
choose_dossiers() {
    row=$(in_file '$4 != "" && $12 != "" && $13 != "" && $22 != "" && $26 == ""' 'print; exit')
    gone=$(in_file "\$26 != \"\" && substr(\$26, 1, 4) < $this_year - 7" 'print $1; exit')
    partly=$(in_file "\$26 != \"\" && substr(\$26, 1, 4) < $this_year - 2 && substr(\$26, 1, 4) >= $this_year - 7" \
        'print $1; exit')
    { [ -n "$row" ] && [ -n "$gone" ] && [ -n "$partly" ]; } || wrong 'the sample has no dossiers to show this with'
    code=$(column 1)
    born=$(column 14)
    account=$(column 15)
    name='achternaam.txt tussenvoegsel.txt voorletters.txt voornamen.txt geslacht.txt geboortedatum.txt'
    address='huisnummer.txt postcode.txt straat.txt woonplaats.txt telefoon.txt telefoon2.txt'
    rent='email.txt begindatum.txt betaalwijze.txt huur.txt rekeningnummer.txt'
}

show_people() {
    heading '2. One dossier, three people: what a file tells depends on who looks, and what for'
    tell 'Purposes are directories. Collections (incasso), letting (verhuur) and the inspector of repairs (opzichter):'
    run incasso "ls -C mnt/huur-innen/$code"
    # shellcheck disable=SC2086 # lists of words, here and below
    says_words dossier.txt $name $address $rent
    run verhuur "ls -C mnt/overeenkomst-sluiten/$code"
    # shellcheck disable=SC2086
    says_words dossier.txt $name $address $rent identificatie-gezien.txt identificatie-soort.txt
    run opzichter "ls -C mnt/onderhoud/$code"
    # shellcheck disable=SC2086
    says_words dossier.txt $address
    tell 'Refused is the same as absent, whoever asks: a colleague of another purpose, or root.'
    run opzichter "cat mnt/huur-innen/$code/rekeningnummer.txt"
    not_there
    run root "cat mnt/huur-innen/$code/rekeningnummer.txt"
    not_there
    tell 'Masked: collections need no more than the year of birth, letting no more than the end of the account.'
    run incasso "cd mnt/huur-innen/$code && cat geboortedatum.txt rekeningnummer.txt"
    says_words "${born%%-*}-**-**" "$account"
    run verhuur "cd mnt/overeenkomst-sluiten/$code && cat geboortedatum.txt rekeningnummer.txt"
    says_words "$born" "$(printf '%s' "${account%????}" | tr -c '' '*')${account#"${account%????}"}"
}

show_terms() {
    heading '3. What is past its term is gone'
    tell "Most goes 2 years after the tenancy's end, payments 7 years after that year. Both were in the file:"
    run root "grep -e ^$partly -e ^$gone tenants.csv | cut -d';' -f1,5,15,26"
    succeeded
    says "$partly;"
    says "$gone;"
    run incasso "ls -C mnt/huur-innen/$partly"
    says_words dossier.txt betaalwijze.txt rekeningnummer.txt
    run incasso "ls mnt/huur-innen/$gone"
    not_there
    run incasso 'ls mnt/huur-innen | wc -l'
    says_words "$(in_file "(\$26 == \"\" || substr(\$26, 1, 4) >= $this_year - 7)" 'print' | wc -l)"
}

# The rent is there until the end of the last day of its two years: today, two years ago, is the first that still counts.
show_script() {
    heading '4. An old script reads the files; it knows nothing of this'
    run incasso 'awk -f payments.awk mnt/huur-innen/*/huur.txt mnt/huur-innen/*/betaalwijze.txt'
    succeeded
    since=$((this_year - 2))-${today#*-}
    # shellcheck disable=SC2016 # what awk expands
    expected=$(awk -F';' -v since="$since" '
        NR > 1 && ($26 == "" || $26 >= since) {
            sub(",", ".", $24)
            tenants[$16]++; tenants["Total"]++
            rent[$16] += $24; rent["Total"] += $24
        }
        END { for (way in rent) printf "%s %d %.2f\n", way, tenants[way], rent[way] }' "$demo/tenants.csv")
    says_lines 'Way of payment Tenants Rent' "$expected"
}

show_store() {
    heading '5. The store alone tells nothing'
    run root "cut -d';' -f1,3,5,13,15 tenants.csv | tail -n +2 | tr '; ' '\\n' | grep . | sort -u >values; wc -l <values"
    succeeded
    values=$(cat "$said")
    [ "$values" -gt 3000 ] || wrong 'more than 3,000 values were expected'
    tell 'Codes, names, e-mail addresses and accounts, searched in the file as a check on the search, then in the store:'
    run root 'grep -oFf values tenants.csv | sort -u | wc -l'
    says_words "$values"
    run root 'grep -rlFf values tenants.csv store'
    says_words tenants.csv
}

# Asked of the whole log and not of the lines shown: which are the newest depends on the turn of the minute.
logged() { # WHO FIELD OUTCOME
    uid=$(uid_of "$1")
    setpriv --reuid 61004 --regid 61004 --clear-groups "$demo/bin/dossier" --control "$demo/control.sock" log show \
        --subject "$code" --user "$uid" --outcome "$3" --csv 2>/dev/null | grep -q ",\"$2\",$3," ||
        wrong "the log does not say that $1 was $3 $2"
}

show_log() {
    heading '6. Everything above was logged before it was shown'
    tell 'The privacy officer (functionaris) may read the log. The newest lines on this dossier:'
    run functionaris "dossier --control control.sock log show --subject $code --limit 8"
    succeeded
    logged incasso rekeningnummer shown
    logged incasso geboortedatum masked
    logged verhuur rekeningnummer masked
    logged opzichter '' refused
    run root 'dossier -s store log verify; echo "exit code $?"'
    says 'exit code 5'
    tell "That is: no line was altered. 'Not anchored': no checkpoint of the log is kept elsewhere yet, so nothing proves" \
        'that somebody with all rights did not write the whole of it anew.'
}

# Until the policy that is in force shows it; what a person types comes after that.
wait_for_policy() { # WHO FILE
    uid=$(uid_of "$1")
    tries=0
    until setpriv --reuid "$uid" --regid "$uid" --clear-groups cat "$demo/$2" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 50 ] || wrong "the changed policy is not in force after 5 seconds"
        sleep 0.1
    done
}

show_change() {
    heading '7. The policy is edited while people work'
    run root "sed 's/^fields *= adres, telefoon, telefoon2$/&, achternaam/' policy.ini >new.ini; dossier policy diff policy.ini new.ini"
    says 'achternaam'
    run root 'mv new.ini policy.ini'
    succeeded
    wait_for_policy opzichter "mnt/onderhoud/$code/achternaam.txt"
    tell 'Within a second, and without unmounting, the inspector knows whose door it is:'
    run opzichter "cat mnt/onderhoud/$code/achternaam.txt"
    says "$(column 5)"
}

say_goodbye() {
    heading 'All of it as it should be. The mount is up; look around:'
    printf '  cd %s\n' "$demo"
    for who in incasso verhuur opzichter functionaris; do
        uid=$(uid_of $who)
        printf '  setpriv --reuid %s --regid %s --clear-groups sh    %s# %s: ls mnt; cat mnt/mijn-toegang.txt%s\n' \
            "$uid" "$uid" "$dim" "$who" "$plain"
    done
    tell 'It stays until: make demo-stop'
}

case ${1-} in
stop)
    [ "$(id -u)" = 0 ] || cant "not root: it unmounts; start it from a root shell"
    check_place
    [ -d "$demo" ] || { echo 'demo: none is up' && exit 0; }
    stop
    echo "demo: unmounted, and $demo removed"
    ;;
'')
    check_rights
    check_place
    if [ -d "$demo" ]; then
        stop
        tell "The demo that was up is stopped; this is a new one."
    fi
    prepare
    tell "dossierfs, on invented tenants, in $demo. Each prompt says who types;" \
        "people are plain uids: setpriv --reuid 61001 --regid 61001 --clear-groups for incasso."
    make_store
    choose_dossiers
    show_people
    show_terms
    show_script
    show_store
    show_log
    show_change
    say_goodbye
    ;;
*)
    cant "usage: demo.sh [stop]"
    ;;
esac
