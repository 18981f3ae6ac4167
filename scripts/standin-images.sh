#!/bin/bash
# Images for a machine that reaches no registry: this machine's own programs (Debian's packages and the Node
# that runs the tests) packed under the names of the public images, with their users, paths and entrypoints.
# Only the test of the stack uses it; a stack for people pulls the public images.
#
#   NODE_BIN=/path/to/node DOCKER_HOST=unix:///... scripts/standin-images.sh NAME=TAG ...
#
# NAME is node, prometheus, alertmanager, blackbox or haproxy; TAG is the image's full name.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/autoheal-standins.XXXXXX")
trap 'rm -rf "$work"' EXIT
path_line='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

# program NAME...: the first that is on PATH or in a system folder.
program() {
  local name
  for name in "$@"; do PATH="$PATH:/usr/sbin:/sbin" command -v "$name" && return; done
  echo "none of these programs is installed: $*" >&2
  return 1
}

# root_folder DIR: a shell, users, names and certificates, as small images have them.
root_folder() {
  local dir=$1 busybox applet
  busybox=$(program busybox)
  mkdir -p "$dir"/{bin,etc/ssl/certs,tmp,home,usr/bin,usr/share,usr/local/bin,usr/local/lib,var/run,proc,sys,dev}
  chmod 1777 "$dir/tmp"
  cp "$busybox" "$dir/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
  done
  ln -s /bin/busybox "$dir/usr/bin/env"
  printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'node:x:1000:1000::/home/node:/bin/sh' \
    'haproxy:x:99:99::/var/lib/haproxy:/bin/false' 'nobody:x:65534:65534:nobody:/home:/bin/false' >"$dir/etc/passwd"
  printf '%s\n' 'root:x:0:' 'node:x:1000:' 'haproxy:x:99:' 'nogroup:x:65534:' >"$dir/etc/group"
  echo 'hosts: files dns' >"$dir/etc/nsswitch.conf"
  # A network whose authorities are this machine's own: npm ci in a build must trust what this machine trusts.
  if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/"
  fi
}

# libraries DIR PROGRAM...: the shared libraries they load, and what resolves names.
libraries() {
  local dir=$1 file folder
  shift
  folder=$(dirname "$(ldd /bin/sh | grep -oE '/[^ ]+/libc\.so[^ ]*')")
  for file in $(ldd "$@" 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*' | sort -u) \
    "$folder"/libnss_{dns,files}.so.2 "$folder"/libresolv.so.2; do
    if [ -e "$file" ]; then install -D -m755 "$(readlink -f "$file")" "$dir$file"; fi
  done
}

# import_image DIR TAG LINE...: each LINE is one of a Dockerfile.
import_image() {
  local dir=$1 tag=$2 line
  shift 2
  local changes=()
  for line in "$path_line" "$@"; do changes+=(--change "$line"); done
  tar -C "$dir" --numeric-owner -c . | docker import "${changes[@]}" - "$tag" >/dev/null
  echo "$tag"
}

make_prometheus() {
  local dir=$work/prometheus main
  main=$(program prometheus)
  root_folder "$dir"
  libraries "$dir" "$main" "$(program promtool)"
  cp "$main" "$(program promtool)" "$dir/bin/"
  mkdir -p "$dir"/{etc/prometheus,prometheus}
  if [ -d /usr/share/prometheus/web ]; then
    mkdir -p "$dir/usr/share/prometheus" && cp -r /usr/share/prometheus/web "$dir/usr/share/prometheus/"
  fi
  chown -R 65534:65534 "$dir/prometheus" "$dir/etc/prometheus"
  import_image "$dir" "$1" 'USER nobody' 'WORKDIR /prometheus' 'VOLUME ["/prometheus"]' 'EXPOSE 9090' \
    'ENTRYPOINT ["/bin/prometheus"]' \
    'CMD ["--config.file=/etc/prometheus/prometheus.yml","--storage.tsdb.path=/prometheus"]'
}

make_alertmanager() {
  local dir=$work/alertmanager main
  main=$(program prometheus-alertmanager alertmanager)
  root_folder "$dir"
  libraries "$dir" "$main"
  cp "$main" "$dir/bin/alertmanager"
  mkdir -p "$dir"/{etc/alertmanager,alertmanager,usr/share/prometheus}
  if [ -d /usr/share/prometheus/alertmanager ]; then
    cp -r /usr/share/prometheus/alertmanager "$dir/usr/share/prometheus/"
  fi
  chown -R 65534:65534 "$dir/alertmanager" "$dir/etc/alertmanager"
  import_image "$dir" "$1" 'USER nobody' 'WORKDIR /alertmanager' 'VOLUME ["/alertmanager"]' 'EXPOSE 9093' \
    'ENTRYPOINT ["/bin/alertmanager"]' \
    'CMD ["--config.file=/etc/alertmanager/alertmanager.yml","--storage.path=/alertmanager"]'
}

make_blackbox() {
  local dir=$work/blackbox main
  main=$(program prometheus-blackbox-exporter blackbox_exporter)
  root_folder "$dir"
  libraries "$dir" "$main"
  cp "$main" "$dir/bin/blackbox_exporter"
  mkdir -p "$dir/etc/blackbox_exporter"
  import_image "$dir" "$1" 'EXPOSE 9115' 'ENTRYPOINT ["/bin/blackbox_exporter"]' \
    'CMD ["--config.file=/etc/blackbox_exporter/config.yml"]'
}

make_haproxy() {
  local dir=$work/haproxy main
  main=$(program haproxy)
  root_folder "$dir"
  libraries "$dir" "$main"
  mkdir -p "$dir"/usr/local/{sbin,etc/haproxy} "$dir/var/lib/haproxy"
  cp "$main" "$dir/usr/local/sbin/haproxy"
  import_image "$dir" "$1" 'USER haproxy' 'WORKDIR /var/lib/haproxy' \
    'CMD ["haproxy","-W","-db","-f","/usr/local/etc/haproxy/haproxy.cfg"]'
}

make_node() {
  local dir=$work/node node npm
  node=$(readlink -f "${NODE_BIN:-$(program node)}")
  npm=$(dirname "$(dirname "$(readlink -f "$(program npm)")")")
  root_folder "$dir"
  libraries "$dir" "$node"
  install -m755 "$node" "$dir/usr/local/bin/node"
  mkdir -p "$dir/usr/local/lib/node_modules" "$dir/usr/local/etc"
  cp -a "$npm" "$dir/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$dir/usr/local/bin/npm"
  npm config get registry | sed 's/^/registry=/' >"$dir/usr/local/etc/npmrc"
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >>"$dir/usr/local/etc/npmrc"
  printf '#!/bin/sh\nset -e\ncase "$1" in -*) set -- node "$@" ;; esac\nexec "$@"\n' \
    >"$dir/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$dir/usr/local/bin/docker-entrypoint.sh"
  mkdir -p "$dir/home/node" && chown 1000:1000 "$dir/home/node"
  import_image "$dir" "$1" 'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["node"]'
}

for pair in "$@"; do
  case "${pair%%=*}" in
    prometheus | alertmanager | blackbox | haproxy | node) "make_${pair%%=*}" "${pair#*=}" ;;
    *) echo "no such image: $pair" >&2 && exit 2 ;;
  esac
done
