"""A pjsua2 endpoint with one SIP account: one codec, one playout buffer, no sound card.

Everything runs in the caller's thread, inside `Softphone.poll`; only the media clock, which
paces what is sent, and the reception of RTP have native threads of their own, so that the
interpreter never stands between the voice and the network.
"""

from __future__ import annotations

import json
from typing import Any

import pjsua2 as pj

from lab.agents.phone.engine import OnCall, OnRegistration
from lab.agents.phone.pjsua2.call import VoiceCall, telling_why
from lab.agents.phone.playing import Emit
from lab.wire.codecs import Codec
from lab.wire.phone import Register, SipAccount, Voice
from lab.wire.phone_profile import PhoneProfile
from lab.wire.playout import PJSUA_OWN, Playout

_DISCARD_NONE = 0
"""pjmedia_jb_discard_algo: never drop a frame in order to shorten the playout delay."""
_DISCARD_PROGRESSIVE = 2
"""The same: drop more often the longer the buffer is beyond what it needs, as pjmedia does if
nobody chooses."""
_LOG_LEVEL = 3
_RETRY_S = 1
"""Until a PBX that is not ready yet (SIP status 5xx) is asked again."""


class _Account(pj.Account):  # type: ignore[misc]
    """Hands pjsua2's callbacks on."""

    def __init__(self, on_registration: OnRegistration, on_call: OnCall) -> None:
        super().__init__()
        self._on_registration = on_registration
        self._on_call = on_call

    def onRegState(self, prm: Any) -> None:  # noqa: N802
        self._on_registration(prm.code, prm.reason, prm.expiration)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        self._on_call(prm.callId)


class Softphone:
    """The engine `pjsua2` (see `lab.agents.phone.engine.Engine`)."""

    def __init__(
        self,
        order: Register,
        *,
        on_registration: OnRegistration,
        on_call: OnCall,
    ) -> None:
        self._pbx = order.account.pbx
        self._pauses = order.vad
        self._endpoint = pj.Endpoint()
        with telling_why():
            self._endpoint.libCreate()
            self._endpoint.libInit(_endpoint_config(order))
            self._endpoint.audDevManager().setNullDev()
            self._select_codec(order.coding.codec)
            transport = pj.TransportConfig()
            transport.boundAddress = str(order.account.bind_address)
            transport_id = self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
            self._endpoint.libStart()
            self._account = _Account(on_registration, on_call)
            self._account.create(_account_config(order.account, transport_id))
        self.name = f"pjsua2 {self._endpoint.libVersion().full}"

    def outgoing_call(self, voice: Voice, emit: Emit) -> VoiceCall:
        """A call that is yet to be dialled."""
        return VoiceCall(self._account, voice, emit, self._pbx, pauses=self._pauses)

    def incoming_call(self, call_id: int, voice: Voice, emit: Emit) -> VoiceCall:
        """The call of which `on_call` told; it is yet to be accepted."""
        return VoiceCall(self._account, voice, emit, self._pbx, call_id, self._pauses)

    def reject(self, call_id: int) -> None:
        """Refuse that call as busy."""
        operation = pj.CallOpParam()
        operation.statusCode = pj.PJSIP_SC_BUSY_HERE
        pj.Call(self._account, call_id).hangup(operation)

    def poll(self, timeout_ms: int) -> None:
        """Handle what has happened, waiting up to `timeout_ms` for something to happen."""
        self._endpoint.libHandleEvents(timeout_ms)

    def unregister(self) -> None:
        """Ask the PBX to forget this phone; the answer comes through `on_registration`."""
        self._account.setRegistration(False)

    def close(self) -> None:
        """Destroy the endpoint; calls must have been dropped before, or the process aborts."""
        self._account.shutdown()
        del self._account
        self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)

    def _select_codec(self, codec: Codec) -> None:
        wanted = f"{codec.encoding}/{codec.sample_rate_hz}/1"
        for info in self._endpoint.codecEnum2():
            self._endpoint.codecSetPriority(info.codecId, 255 if info.codecId == wanted else 0)


def _endpoint_config(order: Register) -> pj.EpConfig:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = "voice-tor-lab"
    config.logConfig.level = config.logConfig.consoleLevel = _LOG_LEVEL
    # The wheel cannot assign the enumeration jbDiscardAlgo; its own JSON reader can.
    document = pj.JsonDocument()
    document.writeObject(config)
    tree = json.loads(document.saveString())
    tree["EpConfig"]["MediaConfig"].update(_media_config(order))
    document = pj.JsonDocument()
    document.loadString(json.dumps(tree))
    document.readObject(config)
    return config


def _media_config(order: Register) -> dict[str, int | bool]:
    """What is not pjsua's own default; with the studies' settings only what the call asks for."""
    codec, ptime_ms = order.coding.codec, order.coding.ptime_ms
    asked = {
        "ptime": ptime_ms,
        "ilbcMode": 20,
        "noVad": not order.vad,
        **_jitter_buffer(order.playout, ptime_ms),
    }
    if order.profile is PhoneProfile.STUDIES:
        return asked
    return asked | {
        "clockRate": codec.sample_rate_hz,
        "sndClockRate": codec.sample_rate_hz,
        "ecTailLen": 0,
        "sndAutoCloseTime": -1,
        "quality": 10,
    }


def _jitter_buffer(playout: Playout, ptime_ms: int) -> dict[str, int]:
    """pjmedia's own settings: one depth and no other, or all that its adaptive buffer may take.

    None for the buffer that pjsua has where nobody sets any.
    """
    if playout == PJSUA_OWN:
        return {}
    least_ms = greatest_ms = playout.depth_ms
    if playout.adaptive:
        least_ms, greatest_ms = ptime_ms, playout.max_ms * 4 // 5
    return {
        "jbInit": playout.depth_ms,
        "jbMinPre": least_ms,
        "jbMaxPre": greatest_ms,
        "jbMax": playout.max_ms,
        "jbDiscardAlgo": _DISCARD_PROGRESSIVE if playout.adaptive else _DISCARD_NONE,
    }


def _account_config(account: SipAccount, transport_id: int) -> pj.AccountConfig:
    pbx = f"sip:{account.pbx}"
    config = pj.AccountConfig()
    config.idUri = f"sip:{account.extension}@{account.pbx_address}"
    config.regConfig.registrarUri = pbx
    config.regConfig.timeoutSec = 3600
    config.regConfig.firstRetryIntervalSec = config.regConfig.retryIntervalSec = _RETRY_S
    config.regConfig.randomRetryIntervalSec = 0
    config.sipConfig.authCreds.append(
        pj.AuthCredInfo("digest", "*", account.extension, 0, account.password)
    )
    config.sipConfig.proxies.append(f"{pbx};lr")
    config.sipConfig.transportId = transport_id
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
    config.natConfig.contactRewriteUse = 0
    config.natConfig.viaRewriteUse = 0
    config.natConfig.sdpNatRewriteUse = 0
    config.natConfig.udpKaIntervalSec = 0
    config.natConfig.iceEnabled = False
    config.mediaConfig.transportConfig.boundAddress = str(account.bind_address)
    config.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_DISABLED
    config.mediaConfig.lockCodecEnabled = True
    return config
