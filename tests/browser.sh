#!/bin/sh
# The browser tests need Chromium and a Chinese font. Installs Debian's where it may, else says what to install.
# Without the shell, which not every release has, the whole of Chromium does everything, only slower.
set -eu
found() { command -v "$1" >/dev/null 2>&1; }
if found chromium && found chromium-headless-shell; then exit 0; fi
if [ "$(id -u)" = 0 ] && found apt-get; then
    echo "installing chromium, chromium-headless-shell and fonts-noto-cjk"
    install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
    apt-get update -qq || true
    if ! found chromium; then install chromium fonts-noto-cjk; fi
    install chromium-headless-shell || echo "there is no chromium-headless-shell here: the tests take longer"
fi
if found chromium; then exit 0; fi
echo "The browser tests need Chromium on PATH as 'chromium', and a Chinese font." >&2
echo "On Debian: sudo apt-get install chromium chromium-headless-shell fonts-noto-cjk" >&2
exit 1
