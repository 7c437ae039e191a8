# Two images of one build: the bot's, and the runner's with bubblewrap and without what the bot needs.
# A third is Caddy's own, made fit for a plain user.
FROM caddy:2 AS proxy
# Its file carries a capability: where none is granted, the kernel would refuse to start it.
RUN setcap -r /usr/bin/caddy && chown -R 10001:10001 /data /config
USER 10001:10001

FROM python:3.11-slim AS base
RUN useradd --system --uid 10001 --create-home bookwiz \
    && install -d -o bookwiz -g bookwiz /data /cache
ENV PATH=/opt/bookwiz/bin:$PATH \
    BOOKWIZ_DATA=/data \
    ORT_DISABLE_TELEMETRY=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/bookwiz

FROM build AS build-bot
RUN /opt/bookwiz/bin/pip install --no-cache-dir -c constraints.txt '.[bot,postgres,runner]'

FROM build AS build-runner
# TORCH=1 adds PyTorch (docker compose build --build-arg TORCH=1 runner-cpu): safetensors and
# TorchScript can then be scored too. The CPU build, where pip finds one.
ARG TORCH=0
RUN /opt/bookwiz/bin/pip install --no-cache-dir -c constraints.txt '.[runner,postgres]' \
    && if [ "$TORCH" = 1 ]; then \
        /opt/bookwiz/bin/pip install --no-cache-dir -c constraints.txt -c constraints-torch.txt torch; \
    fi

FROM base AS runner
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build-runner /opt/bookwiz /opt/bookwiz
USER bookwiz
WORKDIR /cache
VOLUME /cache
CMD ["bookwiz-runner", "probe"]

FROM base AS bot
COPY --from=build-bot /opt/bookwiz /opt/bookwiz
USER bookwiz
WORKDIR /data
VOLUME /data
CMD ["bookwiz", "up"]
