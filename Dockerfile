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
	-o /out/tilldesk ./cmd/tilldesk

# Nothing but the binary: content, time zones and root certificates are in it.
FROM scratch
COPY --from=build /out/tilldesk /tilldesk
COPY LICENSE /LICENSE
USER 65532:65532
# Configuration and content as this container sees them, also when mounted. It
# is seldom, because it reads all of the content.
HEALTHCHECK --interval=5m --timeout=30s --start-period=30s CMD ["/tilldesk", "content", "check"]
ENTRYPOINT ["/tilldesk"]
