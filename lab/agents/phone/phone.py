"""The telephone of a node: the program of the dialogue `lab.wire.phone.PHONE`.

At the end of its orders the phone hangs up, unregisters and ends. The password comes in the order
`Register` and nowhere else. Which telephone program it is, the codec decides.
"""

from __future__ import annotations

from lab.agents.phone.baresip.phone import BaresipPhone
from lab.agents.phone.desk import PhoneDesk
from lab.agents.phone.pjsua2.phone import Softphone
from lab.wire.line import Line
from lab.wire.phone import PHONE

if __name__ == "__main__":
    PhoneDesk(Line(PHONE), {"pjsua2": Softphone, "baresip": BaresipPhone}).run()
