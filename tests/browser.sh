#!/bin/sh
# The browser tests need Chromium and a Chinese font. Installs Debian's where it may, else says what to install.
set -eu
if command -v chromium >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium and fonts-noto-cjk"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null
    exit 0
fi
echo "The browser tests need Chromium on PATH as 'chromium', and a Chinese font." >&2
echo "On Debian or Ubuntu: sudo apt-get install chromium fonts-noto-cjk" >&2
exit 1
