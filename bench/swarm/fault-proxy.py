"""Packets that pass through here arrive later, and some never: a long line in user space.

    kernel --> [device] --read--> lost?  --no--> waits until it is due --write--> [device] --> kernel
                                    '---yes--> gone

    fault-proxy.py DEVICE DELAY_MS JITTER_MS LOSS_PERCENT SEED

Makes the TUN device in the network namespace that it runs in, says "ready", and passes on every packet that is
sent by that device as if it came in by it, after DELAY_MS plus up to JITTER_MS. Packets of one direction between
two machines keep their order, as on one line. On SIGTERM it says how many it passed on and how many it lost.

The kernel's own means for this (netem) is a module that many machines have not. What is needed of Python is
ioctl, which Node cannot do.
"""

import fcntl
import heapq
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PACKET_BYTES_MAX = 65_535
# Read in one go, so that what is due does not wait for a flood.
BURST_PACKETS_MAX = 64
# What is on its way: more is dropped, as a line's own queue would.
WAITING_PACKETS_MAX = 20_000
# Source and destination of an IPv4 header.
ENDS = slice(12, 20)


def open_tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Line:
    def __init__(self, device, delay, jitter, loss, chance):
        self.device = device
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.chance = chance
        self.waiting = []
        self.due_by_ends = {}
        self.serial = 0
        self.passed = 0
        self.lost = 0

    def take(self, now):
        for _ in range(BURST_PACKETS_MAX):
            try:
                packet = os.read(self.device, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            if self.chance.random() < self.loss or len(self.waiting) >= WAITING_PACKETS_MAX:
                self.lost += 1
                continue
            ends = packet[ENDS]
            due = now + self.delay + self.chance.random() * self.jitter
            due = max(due, self.due_by_ends.get(ends, 0.0))
            self.due_by_ends[ends] = due
            self.serial += 1
            heapq.heappush(self.waiting, (due, self.serial, packet))

    def give(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            packet = heapq.heappop(self.waiting)[2]
            try:
                os.write(self.device, packet)
                self.passed += 1
            except OSError:
                # Whom it was for is gone, or the kernel has no room: as on any line.
                self.lost += 1

    def wait_ms(self, now):
        return max(0.0, (self.waiting[0][0] - now) * 1_000) if self.waiting else None


def main():
    name, delay, jitter, loss, seed = sys.argv[1:]
    chance = random.Random(int(seed))
    line = Line(
        open_tun(name), float(delay) / 1e3, float(jitter) / 1e3, float(loss) / 100, chance
    )

    def end(_signal, _frame):
        print(f"passed {line.passed} lost {line.lost}", flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    poll = select.poll()
    poll.register(line.device, select.POLLIN)
    while True:
        poll.poll(line.wait_ms(time.monotonic()))
        line.take(time.monotonic())
        line.give(time.monotonic())


main()
