package httpapi

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
)

// probes answers whoever looks after the process, without a key: /healthz as long
// as it lives, /readyz while it can do its work.
func (s *Server) probes(app *fiber.App) {
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.SendStatus(http.StatusOK) })
	app.Get("/readyz", func(c *fiber.Ctx) error {
		if err := s.accounts.Available(); err != nil {
			return err
		}
		return c.SendStatus(http.StatusOK)
	})
}

// unavailable tells that a request was refused because all are at the moment,
// which was logged once.
func unavailable(err error) bool {
	refusal, ok := errors.AsType[*actors.Error](err)
	return ok && refusal.Code == actors.CodeStorageUnavailable && refusal.Cause == nil
}
