# One image for the bot and for runners on the CPU; docker-compose.yml says which command each runs.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/bookwiz \
    && /opt/bookwiz/bin/pip install --no-cache-dir -c constraints.txt '.[bot,postgres,runner]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home bookwiz \
    && install -d -o bookwiz -g bookwiz /data
COPY --from=build /opt/bookwiz /opt/bookwiz
ENV PATH=/opt/bookwiz/bin:$PATH \
    BOOKWIZ_DATA=/data \
    ORT_DISABLE_TELEMETRY=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1
USER bookwiz
WORKDIR /data
VOLUME /data
CMD ["bookwiz", "up"]
