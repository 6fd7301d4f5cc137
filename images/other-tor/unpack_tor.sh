# Usage: unpack_tor.sh SERIES SUITE...
#
# Puts the newest Tor of SERIES (0.4.5) that the Debian SUITES (bullseye bullseye-security) have
# for this architecture into /opt/tor/bin, and into /opt/tor/lib every library it is linked with,
# from the same suites: libraries of the system stay what they are. libc comes along where the
# suites' is newer than the system's, else the system's serves: it is compatible with older ones,
# and a library that is preloaded here (LD_PRELOAD) was linked with it.
set -eu
series=$1
shift

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
  | grep -v -- '-security/*$' | head -n 1)
mirror=${mirror%/}
state=/tmp/state
root=/tmp/root
mkdir -p "$state/lists/partial" "$state/archives/partial" "$root"
: > "$state/status"
for suite in "$@"; do
  case $suite in
    *-security) echo "deb $mirror-security $suite main" ;;
    *) echo "deb $mirror $suite main" ;;
  esac
done > "$state/sources.list"

foreign_apt() {
  apt-get -q -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
    -o Dir::Cache::Archives="$state/archives" -o Dir::Cache::PkgCache= \
    -o Dir::Cache::SrcPkgCache= "$@"
}

foreign_apt -o APT::Update::Error-Mode=any update
if ! foreign_apt install -y --no-install-recommends --download-only "tor=$series.*"; then
  echo "Debian's $* have no package of Tor $series for $(dpkg --print-architecture)." >&2
  exit 1
fi
version_of() { dpkg-deb --field "$1" Version; }
for package in "$state"/archives/*.deb; do
  case $(basename "$package") in
    libc6_* | libc6.1_*)
      if dpkg --compare-versions "$(version_of "$package")" le \
        "$(dpkg-query --show --showformat='${Version}' 'libc6*:'"$(dpkg --print-architecture)")"
      then continue; fi
      ;;
  esac
  dpkg-deb --extract "$package" "$root"
done

libraries=$(find "$root" -name '*.so.*' -exec dirname {} + | sort -u | tr '\n' ':')
loader=$(find "$root" -name 'ld-linux*.so.*' ! -type d | head -n 1)
linked() {
  if [ -n "$loader" ]; then
    "$loader" --library-path "$libraries" --list "$root/usr/bin/tor"
  else
    LD_LIBRARY_PATH=$libraries ldd "$root/usr/bin/tor"
  fi
}
mkdir -p /opt/tor/bin /opt/tor/lib
cp "$root/usr/bin/tor" /opt/tor/bin/
linked | grep -o "$root/[^ ]*" | sort -u | while read -r library; do
  cp -L "$library" /opt/tor/lib/
done
patchelf --force-rpath --set-rpath /opt/tor/lib /opt/tor/bin/tor
if [ -n "$loader" ]; then
  cp -L "$loader" /opt/tor/lib/
  patchelf --set-interpreter "/opt/tor/lib/$(basename "$loader")" /opt/tor/bin/tor
fi
/opt/tor/bin/tor --version
