# docker build --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD) -t tilldesk .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG COMMIT=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" \
	-o /out/tilldesk ./cmd/tilldesk && mkdir /out/data

# Nothing but the binary: content, time zones and root certificates are in it.
FROM scratch
COPY --from=build /out/tilldesk /tilldesk
COPY --from=build --chown=65532:65532 /out/data /data
COPY LICENSE /LICENSE
USER 65532:65532
# Everything that is kept lies below /data; mount a volume there that user 65532
# may write to.
WORKDIR /data
VOLUME /data
ENV TILLDESK_HTTP_ADDR=:8080 \
	TILLDESK_STORE_DSN=sqlite:/data/tilldesk.db \
	TILLDESK_STORE_MEDIA=/data/media \
	TILLDESK_CONTENT_CACHE=/data/cache
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/tilldesk", "health"]
ENTRYPOINT ["/tilldesk"]
