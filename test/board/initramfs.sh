#!/bin/busybox sh
# What the board's kernel runs first: loads the drivers of its chips, and hands over to the system on its SD card.
/bin/busybox mkdir -p /proc /sys /dev /card
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do
  /bin/busybox insmod "/modules/$module" || echo "no $module"
done </modules/order
# The kernel finds the card at its leisure, and can read it a little later still. Its number is that of its slot. The journal
# of a card that lost its power in the middle of a write is played back here.
for _ in $(/bin/busybox seq 600); do
  for card in /dev/mmcblk?; do
    /bin/busybox mount -t ext4 -o rw,noatime "$card" /card 2>/dev/null && break 2
  done
  /bin/busybox usleep 50000
done
[ -d /card/sbin/ ] || exec /bin/busybox sh
for each in proc sys dev; do /bin/busybox mount --move "/$each" "/card/$each"; done
exec /bin/busybox switch_root /card /sbin/init
