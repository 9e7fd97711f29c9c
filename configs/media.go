package configs

// Media is what makes of files what phones show.
type Media struct {
	// FFmpeg is the program of that name, by its path or by its name in PATH; empty is
	// none. It makes thumbnails of films, voice notes of other sound and films of GIFs.
	FFmpeg string `env:"FFMPEG" envDefault:"" allowed:"the path or the name of a program, or empty"`
}
