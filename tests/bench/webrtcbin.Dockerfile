# The endpoint's image, with GStreamer's WebRTC beside aiortc: for `webrtc_engines.py` alone.
ARG ENDPOINT
FROM ${ENDPOINT}
USER 0
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-bad \
      gstreamer1.0-plugins-base gstreamer1.0-plugins-good python3-gi python3-gst-1.0 \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
