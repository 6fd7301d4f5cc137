"""The telephone of a node: registers, calls and answers by order, one JSON object a line.

Orders on stdin: `register`, `listen` (answer the next call), `call`, `expect` (how many
packets the other end sends), `hangup`, and `abandon` (be free for another call, and say
`idle`); what happens is told on stdout. At the end of stdin the phone hangs up, unregisters
and ends. The password comes in the order `register` and nowhere else. `lab.calls.sip.phone` is
the other side. Which telephone program it is, the codec decides.
"""

from __future__ import annotations

from lab.agents.phone.baresip.phone import BaresipPhone
from lab.agents.phone.desk import PhoneDesk
from lab.agents.phone.pjsua2.phone import Softphone
from lab.wire.polled_lines import PolledLines

if __name__ == "__main__":
    PhoneDesk(PolledLines(), {"pjsua2": Softphone, "baresip": BaresipPhone}).run()
