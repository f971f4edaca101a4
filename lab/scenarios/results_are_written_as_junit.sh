# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# run: chosen by name or pattern; --junit: one XML file that counts, times and explains what passed, failed, was skipped.
mount -t tmpfs tmpfs /mnt # a sandbox has a /run of its own, which hides this one's
mkdir /mnt/scenarios
cp "$BGO_BUILD_DIR/../lab/verbs.sh" /mnt
echo 'true' >/mnt/scenarios/good.sh
printf '%s\n' 'printf "<&> \1 \303\244\n"' 'exit 5' >/mnt/scenarios/bad.sh
echo 'skip "no such kernel"' >/mnt/scenarios/skipped.sh
export BGO_LAB_DIR=/mnt
expect_exit 1 bgo-lab run --jobs 1 --junit "$WORK/junit.xml"
expect_said "scenarios: 1 passed, 1 failed, 1 skipped"
sed -E 's/time="[0-9]+\.[0-9]{3}"/time=""/' "$WORK/junit.xml" >"$WORK/timeless"
cat >"$WORK/wanted" <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="scenarios" tests="3" failures="1" skipped="1" time="">
  <testcase classname="bgo" name="bad" time="">
    <failure>&lt;&amp;&gt; ? ??
</failure>
  </testcase>
  <testcase classname="bgo" name="good" time=""/>
  <testcase classname="bgo" name="skipped" time="">
    <skipped>no such kernel
</skipped>
  </testcase>
</testsuite>
END
expect_same_file "$WORK/wanted" "$WORK/timeless"
ok bgo-lab run "goo*" "s?ipped"
expect_said "scenarios: 1 passed, 0 failed, 1 skipped"
expect_exit 2 bgo-lab run good "nothing*"
expect_exit 1 bgo-lab run good --junit /no/such/dir/junit.xml
expect_exit 1 bgo-lab run good --junit /dev/full
expect_said "No space left"
expect_exit 2 bgo-lab run good --junit "$WORK/junit.xml" --keep
